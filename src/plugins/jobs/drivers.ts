// The queue drivers that come with rrts. A driver is one folder and one line here.

import { amqpDriverType } from './amqp/amqp-driver.ts';
import type { DriverType } from './driver.ts';
import { boltdbDriverType, localDriverType } from './local/local-driver.ts';
import { memoryDriverType } from './memory/memory-driver.ts';
import { redisDriverType } from './redis/redis-driver.ts';

/** All of them. */
export const DRIVERS: readonly DriverType[] = [
  memoryDriverType,
  localDriverType,
  boltdbDriverType,
  redisDriverType,
  amqpDriverType,
];

/** The one of this name, as in the configuration. */
export function findDriver(name: string): DriverType | undefined {
  return DRIVERS.find((type) => type.name === name);
}

// The keys by which a section of the configuration names its Redis; RoadRunner's, as far as rrts has them.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { type Address, address, duration } from '../../core/scalars.ts';
import type { RedisOptions } from './redis-client.ts';

const LOCAL: Address = { kind: 'tcp', host: '127.0.0.1', port: 6379 };
const DIAL_TIMEOUT_MS = 5000;
const COMMAND_TIMEOUT_MS = 3000;

/** For `z.strictObject`. All keys are optional, so that others can be told which were written. `mark` begins each description. */
export function redisShape(mark = '') {
  const about = (text: string): string =>
    mark === '' ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : mark + text;
  return {
    addrs: z
      .array(address())
      .min(1)
      .max(1, 'must be one address: a Redis cluster is not supported')
      .optional()
      .describe(about('address of the server, one. Default: 127.0.0.1:6379.')),
    username: z.string().optional().describe(about('user of its access lists.')),
    password: z.string().optional().describe(about('password.')),
    db: z.int().min(0).optional().describe(about('number of the database. Default: 0.')),
    dial_timeout: duration().optional().describe(about('longest time for a connection. Default: 5s.')),
    read_timeout: duration().optional().describe(about('longest time for an answer. Default: 3s.')),
  };
}

const shape = z.object(redisShape());

/** What {@link redisShape} parses, names in camelCase. */
export type RedisSettings = CamelCased<z.output<typeof shape>>;

/** The settings with their defaults. `key` is where they stand in the configuration. */
export function redisOptions(settings: RedisSettings, key: string): RedisOptions {
  return {
    key,
    address: settings.addrs?.[0] ?? LOCAL,
    username: settings.username ?? '',
    password: settings.password ?? '',
    db: settings.db ?? 0,
    dialTimeoutMs: settings.dialTimeout ?? DIAL_TIMEOUT_MS,
    commandTimeoutMs: settings.readTimeout ?? COMMAND_TIMEOUT_MS,
  };
}

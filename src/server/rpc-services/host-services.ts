// The RPC services that every server has, whatever its configuration: rpc, informer, resetter and app.

import type { Logger } from '../../core/logger.ts';
import { type Service, serviceOf } from '../../plugins/rpc-router/services.ts';
import { workerServices } from '../../plugins/rpc-router/worker-services.ts';
import type { Pool } from '../../pool/pool.ts';
import { ROADRUNNER_VERSION } from '../../version.ts';
import { usageReader } from '../../worker/usage.ts';
import { appLogMethods } from './app-log.ts';
import { configMethod } from './config-method.ts';

/** What the services are about. */
export interface HostServicesOptions {
  /** Asked at each call. */
  readonly pools: () => readonly Pool[];
  /** Calls an RPC method as a part of rrts. */
  readonly callInside: (method: string, argument: unknown) => Promise<unknown>;
  /** What the configuration files say; asked at each call. */
  readonly written: () => Readonly<Record<string, unknown>>;
  readonly logger: Logger;
  /** Writes a line of `app.Log` to stderr. */
  readonly raw: (line: string) => void;
}

/** The services by name. */
export function hostServices({ pools, callInside, written, logger, raw }: HostServicesOptions): Map<string, Service> {
  const services = workerServices({ pools, callInside, readUsage: usageReader() });
  services.set(
    'rpc',
    serviceOf({
      Version: () => ROADRUNNER_VERSION,
      Config: configMethod(written),
      // Ours: it says that a channel works, and how quick it is.
      Echo: (argument) => argument ?? null,
    }),
  );
  services.set('app', serviceOf(appLogMethods(logger.child({ logger: 'app' }), raw)));
  return services;
}

// The rpc plugin with an rpc section of the test's choice and services that a test needs.

import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { camelCased } from '../../../src/core/camel-case.ts';
import { type RpcConfig, rpcLimits, rpcSchema } from '../../../src/plugins/rpc/config.ts';
import { rpcPlugin } from '../../../src/plugins/rpc/plugin.ts';
import { RpcRouter } from '../../../src/plugins/rpc-router/router.ts';
import { serviceOf } from '../../../src/plugins/rpc-router/services.ts';
import { freePort } from '../../helpers/free-port.ts';
import { LogCollector } from '../../pool/pool-rig.ts';
import { fakeContext } from '../fake-context.ts';
import { RpcClient } from './rpc-client.ts';

/** `test.Echo` gives its argument back, `test.Never` never ends, `test.Wait` ends when its signal does, `test.Sleep` after so many ms. */
export async function startListener(t: TestContext, section: object = {}) {
  const port = await freePort();
  const parsed = rpcSchema.parse({ listen: `tcp://127.0.0.1:${port}`, ...section });
  const config: RpcConfig = camelCased(rpcSchema, parsed);
  const logger = new LogCollector();
  const seen = { waiting: 0, aborted: 0 };
  const methods = serviceOf({
    Echo: (argument) => argument ?? null,
    Length: (argument) => (argument as string | Buffer).length,
    Never: () => new Promise(() => undefined),
    Sleep: (ms) => pause(Number(ms), true),
    Wait: (_, call) => {
      seen.waiting++;
      return new Promise((resolve) => {
        call.signal.addEventListener('abort', () => {
          seen.aborted++;
          resolve(null);
        });
      });
    },
  });
  const services = new Map([['test', methods]]);
  const router = new RpcRouter({ services: () => services, logger, limits: rpcLimits(config) });
  const plugin = rpcPlugin.create(config, { ...fakeContext(() => []), logger, rpcRouter: router });
  await plugin.start();
  t.after(() => plugin.stop(0));
  const connectTo = (): RpcClient => {
    const client = new RpcClient(
      config.listen.kind === 'unix' ? { path: config.listen.path } : { port, host: '127.0.0.1' },
    );
    t.after(() => client.close());
    return client;
  };
  return { connectTo, logger, plugin, port, router, seen };
}

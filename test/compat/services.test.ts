// RoadRunner's own packages for metrics, kv, lock, services, app-logger and the informer, unmodified, against the checklist.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkServices } from '../e2e/checklist-services.ts';
import { SDK_JSON } from '../e2e/kinds.ts';
import { scriptSpeaker } from '../e2e/services-client.ts';
import { freePort } from '../helpers/free-port.ts';
import { ROOT } from '../helpers/paths.ts';
import { startServer } from '../helpers/start-server.ts';
import { eventually } from '../helpers/wait-for.ts';
import { unavailable } from './kinds.ts';

const script = join(ROOT, 'test', 'compat', 'services-client.php');
const PACKAGES = scriptSpeaker("RoadRunner's packages", script, async () => unavailable('services'));

checkServices(PACKAGES, 'tcp', { messages: false });
checkServices(PACKAGES, 'unix', { messages: false });

test("the WorkerPool of RoadRunner's package counts, adds and removes workers", async (t) => {
  const reason = await PACKAGES.prepare();
  if (reason !== undefined) return t.skip(reason);
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const server = await startServer({ command: SDK_JSON.command, config: { rpc: { listen: address } } });
  t.after(() => server.discard());
  await server.waitForLog(({ text }) => text.includes('rpc listens'), 'that rpc listens');
  const client = PACKAGES.connect(t, server, address);
  assert.equal(await client.call('pool.count', 'http'), 2);
  await client.call('pool.add', 'http');
  await eventually(async () => (await client.call('pool.count', 'http')) === 3, 'three workers');
  const real = server.workers().map(({ pid }) => pid);
  assert.deepEqual((await client.call<number[]>('pool.pids', 'http')).sort(), real.sort());
  await client.call('pool.remove', 'http');
  await eventually(async () => (await client.call('pool.count', 'http')) === 2, 'two workers');
  assert.equal(await client.call('pool.count', 'jobs'), 0);
  await assert.rejects(client.call('pool.add', 'jobs'), /does not support workers management/);
  await server.stop();
});

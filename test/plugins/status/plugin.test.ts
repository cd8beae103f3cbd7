// The status plugin over HTTP: paths, methods, addresses.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { camelCased } from '../../../src/core/camel-case.ts';
import { statusSchema } from '../../../src/plugins/status/config.ts';
import { statusPlugin } from '../../../src/plugins/status/plugin.ts';
import { freePort } from '../../helpers/free-port.ts';
import { within } from '../../helpers/wait-for.ts';
import { fakeContext, poolStats } from '../fake-context.ts';

async function startStatus(t: TestContext, section: object = {}) {
  const port = await freePort();
  const context = fakeContext(() => [poolStats({ ready: 1 })]);
  const config = camelCased(statusSchema, statusSchema.parse({ address: `127.0.0.1:${port}`, ...section }));
  const plugin = statusPlugin.create(config, context);
  t.after(() => plugin.stop(0));
  return { plugin, context, port, url: `http://127.0.0.1:${port}` };
}

test("all four paths, with RoadRunner's array", async (t) => {
  const { plugin, context, url } = await startStatus(t);
  await plugin.start();
  context.registerHealthCheck('http', () => ({ live: true, ready: false, message: 'booting' }));
  for (const [path, status] of Object.entries({ '/health': 200, '/livez': 200, '/ready': 503, '/readyz/': 503 })) {
    const response = await fetch(url + path);
    assert.equal(response.status, status, path);
    assert.equal(response.headers.get('content-type'), 'application/json');
    const [record] = (await response.json()) as [{ plugin_name: string; status_code: number }];
    assert.deepEqual([record.plugin_name, record.status_code], ['http', status]);
  }
});

test('?plugin=, another failure code, stopping', async (t) => {
  const { plugin, context, url } = await startStatus(t, { unavailable_status_code: 500 });
  await plugin.start();
  context.registerHealthCheck('http', () => ({ live: true, ready: true, message: '' }));
  assert.equal((await fetch(`${url}/ready?plugin=http`)).status, 200);
  assert.equal((await fetch(`${url}/ready?plugin=http&plugin=jobs`)).status, 500);
  context.stopping = true;
  assert.equal((await fetch(`${url}/ready`)).status, 500);
  assert.equal((await fetch(`${url}/health`)).status, 200);
});

test('/jobs tells of every pipeline, and fails where there are no queues and while the server stops', async (t) => {
  const { plugin, context, url } = await startStatus(t, { unavailable_status_code: 500 });
  await plugin.start();
  const without = await fetch(`${url}/jobs`);
  assert.deepEqual([without.status, await without.text()], [500, 'jobs plugin not found\n']);
  const states = [{ pipeline: 'emails', driver: 'memory', active: 3, error_message: '' }];
  context.registerRpc('jobs', { States: () => states });
  const response = await fetch(`${url}/jobs/`);
  assert.deepEqual([response.status, await response.json()], [200, states]);
  context.stopping = true;
  const late = await fetch(`${url}/jobs`);
  assert.deepEqual([late.status, await late.text()], [500, 'service is shutting down\n']);
});

test('other paths, other methods, HEAD', async (t) => {
  const { plugin, url } = await startStatus(t);
  await plugin.start();
  assert.equal((await fetch(`${url}/`)).status, 404);
  assert.equal((await fetch(`${url}/healthy`)).status, 404);
  assert.equal((await fetch(`${url}/health`, { method: 'POST', body: 'x' })).status, 405);
  const head = await fetch(`${url}/health`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

test('a port in use is ERR_LISTEN with key, address and cure', async (t) => {
  const { plugin, port } = await startStatus(t);
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve));
  t.after(() => squatter.close());
  await assert.rejects(plugin.start(), {
    code: 'ERR_LISTEN',
    message: `status.address: cannot listen on 127.0.0.1:${port}: the address is in use`,
    cure: /ss -ltnp/,
  });
});

test('stop ends connections that are kept open', async (t) => {
  const { plugin, url } = await startStatus(t);
  await plugin.start();
  await (await fetch(`${url}/health`)).text();
  await within(plugin.stop(60_000), 20_000, 'the end of the stop');
  await assert.rejects(fetch(`${url}/health`));
});

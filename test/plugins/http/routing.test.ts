// Requests go to the pool of their route with its time limit, and everything about them goes there too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RrtsError } from '../../../src/core/errors.ts';
import type { HttpConfig } from '../../../src/plugins/http/config.ts';
import { httpConfig, type Rig, startRig, statusOf } from './http-rig.ts';
import { fail, part, reply } from './stub-pool.ts';

const POOL = httpConfig().pool;
const PLAIN = { pool: { ...POOL, debug: false }, pools: { slow: { ...POOL, debug: true } } };
const ROUTES: HttpConfig['routes'] = [
  { path: '/reports/*', methods: undefined, pool: 'slow', execTtl: undefined },
  { path: '/import', methods: ['POST'], pool: undefined, execTtl: 300_000 },
  { path: '/for-ever', methods: undefined, pool: 'slow', execTtl: 0 },
];

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;

async function withRoutes(): Promise<Rig> {
  const rig = await startRig({ ...PLAIN, routes: ROUTES });
  for (const [name, pool] of [['default', rig.pool] as const, ...Object.entries(rig.pools)]) {
    pool.answer = (request) => reply(request, 200, {}, `${name} ${request.execTtl}`);
  }
  return rig;
}

test('pool and exec_ttl come from the route; without one from the default pool', async () => {
  const rig = await withRoutes();
  const body = async (bytes: string): Promise<string> => (await rig.exchange(bytes)).split('\r\n\r\n')[1] ?? '';
  assert.equal(await body(get('/')), 'default undefined');
  assert.equal(await body(get('/reports/may?x=%zz')), 'slow undefined');
  assert.equal(await body(get('/%72eports/may')), 'slow undefined');
  assert.equal(await body(get('/import')), 'default undefined');
  assert.equal(await body(get('/for-ever')), 'slow 0');
  const post = 'POST /import HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody';
  assert.equal(await body(post), 'default 300000');
  assert.deepEqual(
    rig.pools['slow']?.submitted.map(({ target }) => target),
    ['/reports/may?x=%zz', '/%72eports/may', '/for-ever'],
    'PHP sees the path as it came',
  );
  await rig.close();
});

test('a client that leaves is told to the pool that has its request', async () => {
  const rig = await withRoutes();
  const slow = rig.pools['slow'];
  assert.ok(slow);
  slow.answer = undefined;
  const client = await rig.connect();
  client.send(get('/reports/a'));
  await slow.until(({ submitted }) => submitted.length === 1);
  client.destroy();
  await slow.until(({ cancelled }) => cancelled.length === 1);
  assert.equal(rig.pool.cancelled.length, 0);
  await rig.close();
});

test('a client that takes bytes again is told to the pool that has its request', async () => {
  const rig = await withRoutes();
  const slow = rig.pools['slow'];
  assert.ok(slow);
  slow.answer = undefined;
  const client = await rig.connect();
  client.socket.pause();
  client.send(get('/reports/a'));
  await slow.until(({ submitted }) => submitted.length === 1);
  const [request] = slow.submitted;
  assert.ok(request);
  const chunk = Buffer.alloc(1 << 20, 'x');
  part(request, 200, {}, chunk, false);
  while (part(request, 200, undefined, chunk, false));
  client.socket.resume();
  await slow.until(({ resumed }) => resumed === 1);
  assert.equal(rig.pool.resumed, 0);
  part(request, 200, undefined, '', true);
  request.onDone();
  await client.readToEnd();
  await rig.close();
});

test('pool.debug shows what went wrong only to clients of its pool', async () => {
  const rig = await withRoutes();
  const broken = new RrtsError('ERR_WORKER_DIED', 'the worker ended with a secret');
  rig.pool.answer = (request) => fail(request, broken);
  for (const pool of Object.values(rig.pools)) pool.answer = (request) => fail(request, broken);
  const [shown, hidden] = [await rig.exchange(get('/reports/a')), await rig.exchange(get('/'))];
  assert.deepEqual([statusOf(shown), statusOf(hidden)], [502, 502]);
  assert.match(shown, /secret/);
  assert.doesNotMatch(hidden, /secret/);
  await rig.close();
});

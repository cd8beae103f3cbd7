// Which changed keys a reload takes over: marks in the schema, inherited downwards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { LIVE, RESTART } from '../../src/core/reload-mark.ts';
import { BUILT_IN_PLUGINS } from '../../src/server/built-in-plugins.ts';
import { rootSchema, toRootConfig } from '../../src/server/config.ts';
import { liveChanges } from '../../src/server/live-changes.ts';
import { loadConfig } from '../../src/server/load-config.ts';
import { rootChanges } from '../../src/server/reload.ts';

const schema = z.strictObject({
  port_number: z.int(),
  live: z
    .strictObject({ a_b: z.int().optional(), env: z.record(z.string(), z.string()), pinned: z.int().meta(RESTART) })
    .meta(LIVE),
  list: z.array(z.int()).default([]).meta(LIVE),
});
const base = { portNumber: 1, live: { aB: 1, env: { A: '1' }, pinned: 1 }, list: [1] };

test('nothing changed: the running configuration itself', () => {
  const { config, applied, restart } = liveChanges(schema, base, structuredClone(base));
  assert.equal(config, base);
  assert.deepEqual([applied, restart], [[], []]);
});

test('live keys are taken over, the others keep their value and are named', () => {
  const wanted = { portNumber: 2, live: { aB: 2, env: { A: '1', B: '2' }, pinned: 2 }, list: [1, 2] };
  const { config, applied, restart } = liveChanges(schema, base, wanted, 'x');
  assert.deepEqual(config, { portNumber: 1, live: { aB: 2, env: { A: '1', B: '2' }, pinned: 1 }, list: [1, 2] });
  assert.deepEqual(applied, ['x.live.a_b', 'x.live.env.B', 'x.list']);
  assert.deepEqual(restart, ['x.port_number', 'x.live.pinned']);
});

test('a live key that is gone is gone', () => {
  const wanted = { ...base, live: { env: {}, pinned: 1 } };
  const { config, applied } = liveChanges(schema, base as Omit<typeof base, 'live'> & { live: object }, wanted);
  assert.deepEqual(config.live, { env: {}, pinned: 1 });
  assert.deepEqual(applied, ['live.a_b', 'live.env.A']);
});

function configOf(...overrides: string[]) {
  const base = ['version=3', 'server.command=php worker.php', 'http.address=:8080'];
  return loadConfig({ file: '/dev/null', overrides: [...base, ...overrides] }).config;
}

test('the sections of a server: what is live, what is not, and sections that come or go', () => {
  const running = configOf('status.address=:1', 'logs.level=info');
  const wanted = configOf(
    'http.address=:9090',
    'http.pool.num_workers=3',
    'http.pool.supervisor.exec_ttl=5s',
    'http.pool.debug=true',
    'http.timeouts.headers=1s',
    'server.env.FOO=bar',
    'server.relay=unix:///tmp/x.sock',
    'logs.level=debug',
    'logs.encoding=console',
    'metrics.address=:2',
  );
  const { config, applied, restart } = rootChanges(running, wanted, BUILT_IN_PLUGINS);
  assert.deepEqual(applied, [
    'server.env.FOO',
    'logs.level',
    'http.timeouts.headers',
    'http.pool.num_workers',
    'http.pool.supervisor.exec_ttl',
  ]);
  assert.deepEqual(restart, ['server.relay', 'logs.encoding', 'status', 'metrics', 'http.address', 'http.pool.debug']);
  assert.deepEqual([...config.plugins.keys()].sort(), ['http', 'status']);
  assert.equal(config.server?.relay, 'pipes');
});

test('a named pool comes and goes with a restart, its keys and the routes at once', () => {
  const running = loadPools({ old: { num_workers: 1 }, kept: { num_workers: 1 } }, []);
  const wanted = loadPools({ kept: { num_workers: 2, debug: true }, more: {} }, [{ path: '/a', pool: 'kept' }]);
  const { config, applied, restart } = rootChanges(running, wanted, BUILT_IN_PLUGINS);
  const http = config.plugins.get('http') as { pools: Record<string, { numWorkers: number; debug: boolean }> };
  assert.deepEqual(
    Object.entries(http.pools).map(([name, { numWorkers, debug }]) => [name, numWorkers, debug]),
    [
      ['old', 1, false],
      ['kept', 2, false],
    ],
  );
  assert.deepEqual(applied, ['http.pools.kept.num_workers', 'http.routes']);
  assert.deepEqual(restart, ['http.pools.old', 'http.pools.kept.debug', 'http.pools.more']);
});

function loadPools(pools: object, routes: object[]) {
  const http = { address: ':8080', pools, routes };
  return toRootConfig(rootSchema.parse({ version: '3', server: { command: 'php worker.php' }, http }));
}

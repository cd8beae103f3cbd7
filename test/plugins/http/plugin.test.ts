// The http plugin in its host: pool, health, warnings, configuration.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { RrtsError } from '../../../src/core/errors.ts';
import { httpSchema } from '../../../src/plugins/http/config.ts';
import { httpPlugin } from '../../../src/plugins/http/plugin.ts';
import type { Health, PluginContext, PoolSpec } from '../../../src/plugins/plugin.ts';
import type { Pool } from '../../../src/pool/pool.ts';
import { type ConfigChanges, httpConfig, LogBook } from './http-rig.ts';
import { reply, StubPool } from './stub-pool.ts';

class Host {
  readonly log = new LogBook();
  readonly pool = new StubPool();
  readonly specs: PoolSpec[] = [];
  readonly checks = new Map<string, () => Health>();
  stats = { ready: 2, working: 0 };
  bootError: Error | undefined;
  /** Pools that do not boot, by name. */
  readonly bootErrors = new Map<string, Error>();
  /** Pools without a worker, by name. */
  readonly empty = new Set<string>();
  stopping = false;

  get context(): PluginContext {
    const host = this;
    return {
      logger: this.log,
      metrics: new Registry(),
      async createPool(spec: PoolSpec): Promise<Pool> {
        host.specs.push(spec);
        if (spec.name !== 'http') await new Promise(setImmediate);
        const error = host.bootErrors.get(spec.name) ?? host.bootError;
        if (error !== undefined) throw error;
        const stats = () => (host.empty.has(spec.name) ? { ready: 0, working: 0 } : host.stats);
        const { submit, cancel, resume } = host.pool;
        const own = { submit: submit.bind(host.pool), cancel: cancel.bind(host.pool), resume: resume.bind(host.pool) };
        return { ...own, name: spec.name, stats } as unknown as Pool;
      },
      directory: '/nowhere',
      reconfigurePool: () => Promise.reject(new Error('no reload here')),
      workerOwner: undefined,
      pools: () => [],
      registerHealthCheck: (plugin: string, check: () => Health) => host.checks.set(plugin, check),
      healthChecks: () => host.checks,
      registerRpc: () => undefined,
      get stopping() {
        return host.stopping;
      },
    } as unknown as PluginContext;
  }

  plugin(changes: ConfigChanges = {}) {
    const pool = { ...httpConfig().pool, codec: 'proto', numWorkers: 2 } as ReturnType<typeof httpConfig>['pool'];
    return httpPlugin.create(httpConfig({ pool, ...changes }), this.context);
  }

  get health(): Health | undefined {
    return this.checks.get('http')?.();
  }
}

/** The port that was logged. */
function portOf(log: LogBook): string {
  const line = log.lines.find(({ message }) => message.startsWith('http listens on '));
  return String(line?.facts['address']).replace(/^.*:/, '');
}

test('starts a pool with the codec for SDK workers, listens, answers, stops', async () => {
  const host = new Host();
  host.pool.answer = (request) => reply(request, 200, {}, 'from the pool');
  const plugin = host.plugin();
  await plugin.start();
  assert.deepEqual(
    host.specs.map(({ name, mode, sdkCodec, config }) => [name, mode, sdkCodec, 'codec' in config]),
    [['http', 'http', 'proto', false]],
  );
  const response = await fetch(`http://127.0.0.1:${portOf(host.log)}/`);
  assert.equal(await response.text(), 'from the pool');
  await plugin.stop(1000);
  await assert.rejects(fetch(`http://127.0.0.1:${portOf(host.log)}/`));
});

test('ready only while it listens and has a worker', async () => {
  const host = new Host();
  const plugin = host.plugin();
  const started = plugin.start();
  assert.deepEqual(host.health, { live: true, ready: false, message: 'http does not listen yet' });
  await started;
  assert.deepEqual(host.health, { live: true, ready: true, message: '' });
  host.stats = { ready: 0, working: 0 };
  assert.deepEqual(host.health, { live: true, ready: false, message: 'http has no worker' });
  host.stats = { ready: 0, working: 2 };
  assert.equal(host.health?.ready, true);
  host.stopping = true;
  assert.deepEqual(host.health, { live: true, ready: false, message: 'http is stopping' });
  await plugin.stop(0);
});

test('with pool.debug it is ready without a worker: they come with the requests', async () => {
  const host = new Host();
  host.stats = { ready: 0, working: 0 };
  const plugin = host.plugin({ pool: { ...httpConfig().pool, debug: true } });
  await plugin.start();
  assert.deepEqual(host.health, { live: true, ready: true, message: '' });
  await plugin.stop(0);
});

test('when no worker boots it does not listen, and stopping it is harmless', async () => {
  const host = new Host();
  host.bootError = new Error('no worker');
  const plugin = host.plugin();
  await assert.rejects(plugin.start(), /no worker/);
  await plugin.stop(0);
  assert.equal(
    host.log.lines.some(({ message }) => message.startsWith('http listens')),
    false,
  );
});

const SLOW = {
  pools: { reports: { ...httpConfig().pool, numWorkers: 1 }, batch: { ...httpConfig().pool, numWorkers: 3 } },
  routes: [{ path: '/reports/*', methods: undefined, pool: 'reports', execTtl: undefined }],
};

test('named pools boot beside the default one, under names of their own', async () => {
  const host = new Host();
  host.pool.answer = (request) => reply(request, 200, {}, 'from a pool');
  const plugin = host.plugin(SLOW);
  await plugin.start();
  assert.deepEqual(
    host.specs.map(({ name, config, mode }) => [name, config.numWorkers, mode]),
    [
      ['http', 2, 'http'],
      ['http.reports', 1, 'http'],
      ['http.batch', 3, 'http'],
    ],
  );
  assert.equal(await (await fetch(`http://127.0.0.1:${portOf(host.log)}/reports/a`)).text(), 'from a pool');
  await plugin.stop(1000);
});

test('ready only while every pool has a worker; it says which has none', async () => {
  const host = new Host();
  const plugin = host.plugin(SLOW);
  await plugin.start();
  assert.equal(host.health?.ready, true);
  host.empty.add('http.reports');
  assert.deepEqual(host.health, { live: true, ready: false, message: 'http.reports has no worker' });
  host.empty.add('http');
  assert.equal(host.health?.message, 'http has no worker, http.reports has no worker');
  await plugin.stop(0);
});

test('a pool that does not boot ends the start, with its name', async () => {
  const host = new Host();
  host.bootErrors.set('http.batch', new RrtsError('ERR_WORKER_BOOT', 'batch.php ended', { cure: 'Mend it.' }));
  const plugin = host.plugin(SLOW);
  await assert.rejects(plugin.start(), {
    code: 'ERR_WORKER_BOOT',
    message: 'pool http.batch: batch.php ended',
    cure: 'Mend it.',
  });
  await plugin.stop(0);
});

test('a pool that no route leads to is a warning', () => {
  const warnings = httpPlugin.warnings?.(httpConfig(SLOW));
  assert.deepEqual(
    warnings?.map(({ path }) => path),
    [['pools', 'batch']],
  );
});

test('middleware that rrts has not is a warning', async () => {
  const host = new Host();
  const plugin = host.plugin({ middleware: ['headers', 'http_metrics', 'gzip', 'mine'] });
  await plugin.start();
  const warned = host.log.lines.filter(({ level }) => level === 'warn').map(({ facts }) => facts['middleware']);
  assert.deepEqual(warned, ['gzip', 'mine']);
  await plugin.stop(0);
});

test("the schema has RoadRunner's defaults, and 0 MB means 1000 as in its code", () => {
  const section = httpSchema.parse({ address: ':8080' });
  assert.deepEqual(section.address, { kind: 'tcp', host: '', port: 8080 });
  const { internal_error_code, max_request_size, raw_body, access_logs, middleware, error_codes } = section;
  assert.deepEqual(
    [internal_error_code, max_request_size, raw_body, access_logs, middleware, error_codes],
    [500, 1000, false, false, [], 'rrts'],
  );
  assert.equal(section.pool.codec, 'json');
  assert.ok(section.uploads.dir.startsWith('/'), section.uploads.dir);
  assert.equal(httpSchema.parse({ address: ':1', max_request_size: 0 }).max_request_size, 1000);
  assert.deepEqual(section.timeouts, {
    headers: 10_000,
    body_idle: 30_000,
    body: 0,
    send_idle: 60_000,
    keep_alive: 75_000,
  });
  assert.equal(section.limits.header_bytes, 16_384);
});

for (const [name, section] of [
  ['no address', {}],
  ['an unknown key', { address: ':1', adress: ':2' }],
  ['a codec that is none', { address: ':1', pool: { codec: 'xml' } }],
  ['a status that is no error', { address: ':1', internal_error_code: 200 }],
  ['more fields than Node counts', { address: ':1', limits: { header_fields: 5000 } }],
  ['error codes of somebody else', { address: ':1', error_codes: 'nginx' }],
] as const) {
  test(`the schema refuses ${name}`, () => assert.equal(httpSchema.safeParse(section).success, false));
}

test('every key of the schema says what it is for', () => {
  const undescribed: string[] = [];
  const visit = (
    shape: Record<string, { description?: string; unwrap?: () => unknown; shape?: object }>,
    at: string,
  ): void => {
    for (const [key, schema] of Object.entries(shape)) {
      const inner = (schema as { def?: { innerType?: { shape?: object } } }).def?.innerType?.shape;
      if (inner !== undefined) visit(inner as typeof shape, `${at}.${key}`);
      else if (schema.description === undefined) undescribed.push(`${at}.${key}`);
    }
  };
  visit(httpSchema.shape as never, 'http');
  assert.deepEqual(undescribed, []);
});

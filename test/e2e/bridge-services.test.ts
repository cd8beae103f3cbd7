// Typed services in a real server: what their context reaches, and what they may do wrong without harm to it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { type ServerProcess, startServer } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { RpcClient } from '../plugins/rpc/rpc-client.ts';
import { SDK_JSON } from './kinds.ts';

const TOOLS = `import { Counter } from 'prom-client';
import { defineService, type ServiceContext, z } from 'rrts';

let uses: Counter | undefined;
const gone: string[] = [];
const text = z.object({ text: z.string() });

export default defineService({
  remember: {
    input: z.object({ key: z.string(), value: z.string(), ttlMs: z.int().optional() }),
    output: z.object({ before: z.string().nullable(), has: z.boolean() }),
    async handler({ key, value, ttlMs }, context: ServiceContext) {
      const cache = context.kv('cache');
      const before = await cache.get(key);
      await cache.set(key, value, ttlMs);
      return { before: before?.toString() ?? null, has: await cache.has(key) };
    },
  },
  forget: { input: z.object({ key: z.string() }), output: z.void(), handler: ({ key }, { kv }) => kv('cache').delete(key) },
  nowhere: { input: z.object({}), output: z.unknown(), handler: (_, context) => context.kv('nowhere').get('a') },
  count: {
    input: z.object({}),
    output: z.void(),
    handler: (_, { metrics }) => {
      uses ??= new Counter({ name: 'app_uses_total', help: 'uses', registers: [metrics] });
      uses.inc();
    },
  },
  pools: {
    input: z.object({}),
    output: z.array(z.object({ name: z.string(), pids: z.array(z.int()) })),
    handler: (_, context) => context.pools().map(({ name, workers }) => ({ name, pids: workers.map(({ pid }) => pid) })),
  },
  reset: { input: z.object({}), output: z.void(), handler: (_, context) => context.reset('http') },
  twice: {
    input: text,
    output: text,
    handler: async ({ text }, context) => (await context.call('tools.once', { text: text + text })) as { text: string },
  },
  once: { input: text, output: text, handler: (input) => input },
  never: {
    input: z.object({ name: z.string() }),
    output: z.void(),
    handler: ({ name }, { signal }) => new Promise(() => signal.addEventListener('abort', () => gone.push(name))),
  },
  gone: { input: z.object({}), output: z.array(z.string()), handler: () => gone },
  later: {
    input: z.object({}),
    output: z.void(),
    handler: () => {
      setTimeout(() => { throw new Error('thrown later'); }, 10);
      void Promise.reject(new Error('nobody waits'));
    },
  },
});
`;

interface Rig {
  readonly server: ServerProcess;
  readonly client: RpcClient;
  readonly metricsPort: number;
}

async function start(t: TestContext): Promise<Rig> {
  const dir = makeTempDir('services');
  t.after(() => dir.remove());
  // prom-client is that of the application: a file of this folder finds the packages of the repository.
  writeFileSync(dir.file('tools.ts'), TOOLS.replace("'prom-client'", JSON.stringify(promClient())));
  const [port, metricsPort] = [await freePort(), await freePort()];
  const server = await startServer({
    command: SDK_JSON.command,
    config: {
      rpc: { listen: `tcp://127.0.0.1:${port}`, call_timeout: '1s' },
      metrics: { address: `127.0.0.1:${metricsPort}` },
      kv: { cache: { driver: 'memory' } },
      bridge: { services: { tools: dir.file('tools.ts') } },
    },
  });
  t.after(() => server.discard());
  await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
  const client = new RpcClient({ port, host: '127.0.0.1' });
  t.after(() => client.close());
  return { server, client, metricsPort };
}

function promClient(): string {
  return import.meta.resolve('prom-client').replace('file://', '');
}

test('kv, metrics, pools, reset and calls of other services', async (t) => {
  const { server, client, metricsPort } = await start(t);
  const call = <T>(method: string, argument: unknown = {}) => client.call<T>(`tools.${method}`, argument);
  assert.deepEqual(await call('remember', { key: 'a', value: 'ä' }), { before: null, has: true });
  assert.deepEqual(await call('remember', { key: 'a', value: 'b', ttlMs: 60_000 }), { before: 'ä', has: true });
  assert.equal(await call('forget', { key: 'a' }), null);
  assert.deepEqual(await call('remember', { key: 'a', value: 'c' }), { before: null, has: true });
  await assert.rejects(call('nowhere'), /nowhere/);
  await Promise.all([call('count'), call('count'), call('count')]);
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  assert.match(metrics, /^app_uses_total 3$/m);
  const pids = async () => (await call<{ name: string; pids: number[] }[]>('pools'))[0]?.pids ?? [];
  const before = await pids();
  assert.equal(before.length, 2);
  await call('reset');
  assert.ok((await pids()).some((pid) => !before.includes(pid)));
  assert.deepEqual(await call('twice', { text: 'ab' }), { text: 'abab' });
  await server.stop();
});

test('a handler that never answers, one whose caller goes, errors that nobody waits for: the server goes on', async (t) => {
  const { server, client } = await start(t);
  const call = <T>(method: string, argument: unknown = {}) => client.call<T>(`tools.${method}`, argument);
  await assert.rejects(call('never', { name: 'late' }), /^Error: tools\.never was not answered within 1000 ms$/);
  const leaver = new RpcClient({ port: client.socket.remotePort ?? 0, host: '127.0.0.1' });
  leaver.send('tools.never', { name: 'left' }).catch(() => undefined);
  await leaver.call('tools.once', { text: 'in order' });
  leaver.close();
  await eventually(async () => (await call<string[]>('gone')).length === 2, 'both signals');
  assert.deepEqual(await call('gone'), ['late', 'left']);
  await call('later');
  await server.waitForLog(mentions(/service tools failed when no call waited for it: thrown later/), 'of the timer');
  await server.waitForLog(mentions(/service tools failed when no call waited for it: nobody waits/), 'of the promise');
  assert.deepEqual(await call('once', { text: 'still here' }), { text: 'still here' });
  await server.stop();
});

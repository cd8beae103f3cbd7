// RoadRunner's RPC checklist against the real server: workers added, removed and reset, idle and during traffic.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { ask, load } from '../helpers/request.ts';
import { type ConfigTree, spawnServer, startServer } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { RpcClient } from '../plugins/rpc/rpc-client.ts';
import { NATIVE, SDK_JSON, type WorkerKind } from './kinds.ts';

async function startRpc(t: TestContext, kind: WorkerKind, pool: ConfigTree = {}) {
  const port = await freePort();
  const config = { ...kind.config, http: { pool }, rpc: { listen: `tcp://127.0.0.1:${port}` } };
  const server = await startServer({ command: kind.command, config });
  t.after(() => server.discard());
  // It starts after http, which is what readiness tells.
  await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
  const client = new RpcClient({ port, host: '127.0.0.1' });
  t.after(() => client.close());
  const pids = async (): Promise<number[]> => {
    const { workers } = await client.call<{ workers: { pid: number }[] }>('informer.Workers', 'http');
    return workers.map(({ pid }) => pid).sort((a, b) => a - b);
  };
  return { server, client, pids };
}

describe('6.1 workers over RPC', { concurrency: 2 }, () => {
  test('workers are listed, added and removed; the last one is kept', async (t) => {
    const { server, client, pids } = await startRpc(t, SDK_JSON);
    assert.deepEqual(await client.call('informer.List', true), ['http']);
    const real = server.workers().map(({ pid }) => pid);
    assert.deepEqual(
      await pids(),
      real.sort((a, b) => a - b),
    );
    assert.equal(await client.call('informer.AddWorker', 'http'), true);
    assert.equal((await pids()).length, 3);
    for (let i = 0; i < 4; i++) assert.equal(await client.call('informer.RemoveWorker', 'http'), true);
    await eventually(async () => (await pids()).length === 1, 'one worker in the list');
    await eventually(() => server.workers().length === 1, 'one worker');
    assert.equal((await ask(server, '/echo?hello=last')).text, 'LAST');
    await server.stop();
  });

  test('resetter.List has http; a reset gives new pids and requests go on', async (t) => {
    const { server, client, pids } = await startRpc(t, SDK_JSON);
    assert.ok((await client.call<string[]>('resetter.List', true)).includes('http'));
    const before = await pids();
    assert.equal((await ask(server, '/pid')).status, 200);
    assert.equal(await client.call('resetter.Reset', 'http'), true);
    const after = await pids();
    assert.equal(after.length, 2);
    assert.ok(after.every((pid) => !before.includes(pid)));
    assert.ok(after.includes(Number((await ask(server, '/pid')).text)));
    await server.stop();
  });

  for (const kind of [SDK_JSON, NATIVE]) {
    test(`resets during traffic: every request of 8 clients is answered (${kind.name})`, async (t) => {
      const reason = await kind.prepare();
      if (reason !== undefined) return t.skip(reason);
      const { server, client, pids } = await startRpc(t, kind);
      const before = await pids();
      const make = (index: number) => ({ path: `/echo?hello=n${index}`, expect: `N${index}` });
      const traffic = load(server, { total: 2_000, connections: 8, make });
      for (let round = 0; round < 3; round++) assert.equal(await client.call('resetter.Reset', 'http'), true);
      const { statuses, mixedUp } = await traffic;
      assert.deepEqual([Object.fromEntries(statuses), mixedUp], [{ 201: 2_000 }, 0]);
      await eventually(async () => (await pids()).length === 2, 'two workers');
      assert.ok((await pids()).every((pid) => !before.includes(pid)));
      await server.stop();
    });
  }

  test('over a unix socket; a client that stays connected does not hold up the stop', async (t) => {
    const dir = makeTempDir('rpc');
    t.after(() => dir.remove());
    const path = dir.file('rpc.sock');
    const server = await startServer({ command: SDK_JSON.command, config: { rpc: { listen: `unix://${path}` } } });
    t.after(() => server.discard());
    await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
    const client = new RpcClient({ path });
    t.after(() => client.close());
    assert.equal(await client.call('resetter.Reset', 'http'), true);
    await server.stop(5000);
  });

  test('an address that other machines reach is an error of the configuration', async (t) => {
    const server = await spawnServer({ command: SDK_JSON.command, config: { rpc: { listen: 'tcp://0.0.0.0:6001' } } });
    t.after(() => server.discard());
    assert.equal((await server.waitForEnd()).code, 78);
    assert.match(server.logs.text(), /rpc\.listen.*can be reached from other machines and there is no token/);
  });
});

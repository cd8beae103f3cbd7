// The bridge in a whole server: what a module does when nobody waits for it cannot end the master.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { fixture, ROOT } from '../helpers/paths.ts';
import { spawnServer, startServer, statusOf } from '../helpers/start-server.ts';
import { eventually } from '../helpers/wait-for.ts';
import { RpcClient } from '../plugins/rpc/rpc-client.ts';

const LIBRARY = join(ROOT, 'test/plugins/bridge/fixtures/library.mjs');

test('errors that a module throws later are logged and counted, in the master and in threads', async (t) => {
  const [port, metrics] = [await freePort(), await freePort()];
  const server = await startServer({
    command: ['php', fixture('native/worker.php')],
    config: {
      rpc: { listen: `tcp://127.0.0.1:${port}` },
      metrics: { address: `127.0.0.1:${metrics}` },
      bridge: {
        modules: {
          near: { from: LIBRARY, allow: ['throwLater', 'echo', 'emitter', 'emitError', '.on'] },
          far: { from: LIBRARY, allow: ['throwLater', 'echo'], threads: 1 },
        },
      },
    },
  });
  t.after(() => server.discard());
  const client = new RpcClient({ port, host: '127.0.0.1' });
  t.after(() => client.socket.destroy());
  const call = (module: string, name: string, ...values: unknown[]) =>
    client.call('bridge.Call', { module, name, arguments: values });

  const kinds = ['timer', 'promise', 'tick', 'microtask', 'event', 'socket'];
  for (const module of ['near', 'far']) for (const kind of kinds) await call(module, 'throwLater', kind);
  const emitter = await call('near', 'emitter');
  await call('near', 'emitError', emitter);
  const faults = async (): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    return [...text.matchAll(/^rrts_bridge_faults_total\{.*\} (\d+)$/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
  };
  const expected = 2 * kinds.length + 1;
  await eventually(async () => (await faults()) === expected, `${expected} faults`).catch(async (error) => {
    assert.fail(`${String(error)}: there are ${await faults()}\n${server.logs.tail()}`);
  });
  for (const module of ['near', 'far']) assert.deepEqual(await call(module, 'echo', 1), [1]);
  assert.equal(await statusOf(server, '/ready'), 200);
  t.diagnostic(`${expected} errors that nobody caught, and the server goes on`);
  client.socket.end();
  await server.stop();
});

test('a module that is not there is one line and no start', async (t) => {
  const server = await spawnServer({
    command: ['php', fixture('native/worker.php')],
    config: { bridge: { modules: { 'sharp-is-not-here': { allow: ['()'] } } } },
  });
  t.after(() => server.discard());
  const { code } = await server.ended;
  assert.equal(code, 69);
  assert.match(
    server.logs.text(),
    /bridge\.modules\.sharp-is-not-here: the package sharp-is-not-here cannot be found from/,
  );
  assert.match(server.logs.text(), /Run npm install sharp-is-not-here in /);
  assert.doesNotMatch(server.logs.text(), /\n\s+at /);
});

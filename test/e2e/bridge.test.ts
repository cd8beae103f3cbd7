// The bridge in a whole server: what a module does when nobody waits for it cannot end the master.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { fixture, ROOT } from '../helpers/paths.ts';
import { spawnServer, startServer, statusOf } from '../helpers/start-server.ts';
import { eventually } from '../helpers/wait-for.ts';
import { RpcClient } from '../plugins/rpc/rpc-client.ts';

const GIVEN = ['map', 'date', 'numbers', 'bytes', 'cycle', 'callback'].map((name) => `give.${name}`);
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

/** What the fixture answers. */
interface Answer {
  readonly result?: unknown;
  readonly class: string;
  readonly code: string;
  readonly message: string;
  readonly node: readonly [string, string] | null;
  readonly pid: number;
  readonly ms: number;
}

/** A server with one PHP worker, and the library in the master (near) and in a thread (far). */
async function phpServer(t: TestContext) {
  const metricsPort = await freePort();
  const allow = [
    '()',
    'echo',
    'typeOf',
    ...GIVEN,
    'fail',
    'failLater',
    'never',
    'count',
    'many',
    'exit',
    '.resize',
    '.copy',
    '.toBuffer',
    '.width',
  ];
  const module = { from: LIBRARY, allow, timeout: '400ms' };
  const server = await startServer({
    command: ['php', fixture('native/bridge.php')],
    config: {
      http: { pool: { num_workers: 1 } },
      metrics: { address: `127.0.0.1:${metricsPort}` },
      bridge: { modules: { near: module, far: { ...module, threads: 1 } } },
    },
  });
  t.after(() => server.discard());
  const ask = async (name: string, module: string): Promise<Answer> => {
    const response = await fetch(`${server.url}/${name}?module=${module}`);
    const text = await response.text();
    assert.equal(response.status, 200, `${name}: ${text}\n${server.logs.tail()}`);
    return JSON.parse(text) as Answer;
  };
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  return { server, ask, metric };
}

test('PHP chains calls, sends and gets every kind of value, and iterates', async (t) => {
  const { server, ask, metric } = await phpServer(t);
  for (const module of ['near', 'far']) {
    assert.equal((await ask('chain', module)).result, '00ff8009 9 Image');
    const { result, message } = await ask('values', module);
    assert.deepEqual(
      result,
      {
        types: [
          'buffer',
          'buffer',
          '[object String]',
          'date',
          '[object Object]',
          '[object Array]',
          '[object Number]',
          '[object Null]',
        ],
        date: '2026-01-02T03:04:05.678',
        map: { b: 1, a: [1, 2] },
        bytes: ['62', '01', '02', 'array'],
        large: ['int', 'int', 'int', 'Rrts\\Node\\BigInteger', 'float', 'float', 'float'],
      },
      message,
    );
    assert.deepEqual((await ask('iterate', module)).result, [[1, 2, 3], 500_500]);
  }
  await ask('keep', 'near');
  await ask('keep', 'far');
  await eventually(async () => (await metric('rrts_bridge_objects')) === 100, 'the objects that PHP keeps');
  await ask('drop', 'near');
  await eventually(async () => (await metric('rrts_bridge_objects')) === 0, 'the release of what PHP dropped');
  await ask('keep', 'near');
  await ask('keep', 'far');
  await eventually(async () => (await metric('rrts_bridge_objects')) === 100, 'the objects of the worker');
  process.kill((await ask('pid', 'near')).pid, 'SIGKILL');
  await eventually(async () => (await metric('rrts_bridge_objects')) === 0, 'the end of the objects with their worker');
  await server.stop();
});

test('whatever PHP does wrong is an exception that names the call, and nothing is left of it', async (t) => {
  const { server, ask, metric } = await phpServer(t);
  const { pid } = await ask('echo', 'near');
  const cases: readonly [name: string, code: string, exception: string, message: RegExp][] = [
    ['unknown', 'ERR_BRIDGE_MODULE', 'NodeException', /nowhere\.anything.*no module nowhere; there are near, far/],
    [
      'denied',
      'ERR_BRIDGE_DENIED',
      'NodeException',
      /compute is not allowed; to allow it: bridge\.modules\.\w+\.allow: \['compute'\]/,
    ],
    ['proto', 'ERR_BRIDGE_DENIED', 'NodeException', /__proto__\.x can never be called/],
    ['constructor', 'ERR_BRIDGE_DENIED', 'NodeException', /Image\.constructor can never be called/],
    ['argument', 'ERR_RPC_ARGUMENT', 'RpcArgumentException', /echo.*Closure/],
    ['throws', 'ERR_BRIDGE_THREW', 'NodeException', /\.fail: wrong colour$/],
    ['rejects', 'ERR_BRIDGE_THREW', 'NodeException', /\.failLater: wrong colour$/],
    ['never', 'ERR_RPC_TIMEOUT', 'RpcTimeoutException', /never.*200 ms/],
    ['limit', 'ERR_RPC_TIMEOUT', 'RpcTimeoutException', /never.*within 400 ms/],
    ['cycle', 'ERR_RPC_RESULT', 'RpcException', /give\.cycle.*result\.items\[0\]\.back is a cycle/],
    ['function', 'ERR_RPC_RESULT', 'RpcException', /give\.callback.*result\.items\[3\]\.onClick is a function/],
    ['large', 'ERR_RPC_TOO_LARGE', 'RpcArgumentException', /echo/],
    ['released', 'ERR_BRIDGE_RELEASED', 'NodeException', /Image\.width.*was released/],
  ];
  for (const module of ['near', 'far']) {
    for (const [name, code, exception, message] of cases) {
      const answer = await ask(name, module);
      assert.deepEqual(
        [answer.code, answer.class],
        [code, `Rrts\\Exception\\${exception}`],
        `${module} ${name}: ${answer.message}`,
      );
      assert.match(answer.message, message, `${module} ${name}`);
      assert.equal(answer.pid, pid, 'the same worker goes on');
      t.diagnostic(`${module} ${name}: ${answer.ms.toFixed(1)} ms: ${answer.message}`);
    }
    assert.deepEqual((await ask('throws', module)).node, ['TypeError', 'ERR_COLOUR']);
    assert.deepEqual((await ask('late', module)).result, ['after']);
  }
  const crash = await ask('crash', 'far');
  assert.equal(crash.code, 'ERR_RPC_FAILED');
  assert.match(crash.message, /the thread of far is gone: it ended with exit code 1/);
  for (const module of ['near', 'far']) assert.deepEqual((await ask('echo', module)).result, ['still here']);
  await eventually(async () => (await metric('rrts_bridge_objects')) === 0, 'no object left');
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

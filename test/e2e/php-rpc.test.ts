// Calls of PHP through the real server: in-band from native workers with and without ext-msgpack, and over the socket from a script.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { fixture, ROOT } from '../helpers/paths.ts';
import { ask, askJson, load } from '../helpers/request.ts';
import { type ConfigTree, startServer } from '../helpers/start-server.ts';

const LIBRARY = join(ROOT, 'test/plugins/bridge/fixtures/library.mjs');
const AUTOLOAD = join(ROOT, 'php-client/vendor/autoload.php');
const TOKEN = 'a-token-of-more-than-16-letters';
/** More than a caller may hold at a time. */
const MANY_OBJECTS = 25_000;
/** What `*` does not reach. */
const NESTED = ['Image.open', 'give.date', 'give.numbers', 'give.cycle', 'give.bomb'];

const config: ConfigTree = {
  rpc: { listen: 'none', max_payload: '4mb' },
  http: { pool: { num_workers: 1 } },
  bridge: {
    modules: {
      library: { from: LIBRARY, allow: ['()', '*', 'new *', '.*', ...NESTED] },
      shy: { from: LIBRARY, allow: ['echo', 'give.callback'] },
    },
  },
};

const WORKERS = [
  { name: 'with ext-msgpack', command: ['php', fixture('native/rpc.php')] },
  { name: 'without any extension', command: ['php', '-n', fixture('native/rpc.php')] },
];

type Failure = [exception: string, code: string, message: string];

for (const { name, command } of WORKERS) {
  describe(`in-band calls, PHP ${name}`, { concurrency: 2 }, () => {
    test('at boot, in a request, in a stream, many at once', async (t) => {
      const server = await startServer({ command, config });
      t.after(() => server.discard());
      const boot = await askJson<{ version: string; door: string }>(server, '/boot');
      assert.match(boot.version, /^\d+\.\d+/);
      assert.equal(boot.door, 'Rrts\\Rpc\\InBandRpc');
      assert.equal((await ask(server, '/stream')).text, 'piece 0 piece 1 piece 2 ');
      const several = await askJson<number[]>(server, '/several');
      assert.deepEqual(
        several,
        Array.from({ length: 300 }, (_, i) => i + 1),
      );
      assert.deepEqual(await askJson(server, '/flood'), { right: 300 });
      assert.doesNotMatch(server.logs.text(), /MaxListeners/);
      await server.stop();
    });

    test('values, objects and iterations arrive as what they are', async (t) => {
      const server = await startServer({ command, config });
      t.after(() => server.discard());
      const { count, wrong } = await askJson<{ count: number; wrong: unknown }>(server, '/values');
      assert.deepEqual(wrong, []);
      assert.ok(count >= 35);
      t.diagnostic(`${count} values there and back`);
      const [text, bytes, forced, date, ...others] = await askJson<string[]>(server, '/types');
      assert.deepEqual([text, bytes, forced, date], ['[object String]', 'buffer', 'buffer', 'date']);
      assert.deepEqual(
        others,
        ['BigInt', 'Object', 'Array', 'Object'].map((kind) => `[object ${kind}]`),
      );
      assert.deepEqual(await askJson(server, '/chain'), [
        '00ff80c8',
        200,
        true,
        true,
        false,
        'Image',
        'extra',
        '2026-01-02 03:04:05.678 UTC',
        ['1', '9007199254740992', '4611686018427387904', '18446744073709551616', '1.5', '-0', 'NAN'],
      ]);
      const [sum, left, failed, streamed] = await askJson<[number, number, Failure, string]>(server, '/iterate');
      assert.deepEqual([sum, left, streamed], [20_100, 100, 'one two']);
      assert.deepEqual(failed.slice(0, 2), ['NodeException', 'ERR_BRIDGE_THREW']);
      assert.match(failed[2], /^bridge\.Next .*the source dried up/);
      // The first was iterated to its end, the second was left: the word for it went before the worker waited.
      assert.deepEqual(await askJson(server, '/ended'), ['count 200', 'count 300']);
      await server.stop();
    });

    test('objects that PHP drops, and results that nobody takes, are released', async (t) => {
      const server = await startServer({ command, config });
      t.after(() => server.discard());
      assert.deepEqual(await askJson(server, `/objects?count=${MANY_OBJECTS}`), [MANY_OBJECTS]);
      // 12,000 objects in results of calls that were dropped, three times: over the limit, were they kept.
      for (let round = 0; round < 3; round++) assert.deepEqual(await askJson(server, '/dropped'), [['well']]);
      t.diagnostic(`${MANY_OBJECTS + 36_000} objects, of which a caller may hold 10,000`);
      await server.stop();
    });

    test('what cannot be done is a typed exception that names the call, and the worker goes on', async (t) => {
      const server = await startServer({ command, config });
      t.after(() => server.discard());
      const failures = await askJson<Record<string, Failure>>(server, '/bad');
      const { 'after all': afterAll, ...bad } = failures;
      const kinds = Object.fromEntries(Object.entries(bad).map(([key, [kind, code]]) => [key, `${kind} ${code}`]));
      assert.deepEqual(kinds, {
        module: 'NodeException ERR_BRIDGE_MODULE',
        denied: 'NodeException ERR_BRIDGE_DENIED',
        never: 'NodeException ERR_BRIDGE_DENIED',
        proto: 'NodeException ERR_BRIDGE_DENIED',
        missing: 'RpcMethodException ERR_RPC_METHOD',
        threw: 'NodeException ERR_BRIDGE_THREW',
        'threw later': 'NodeException ERR_BRIDGE_THREW',
        silent: 'RpcTimeoutException ERR_RPC_TIMEOUT',
        cycle: 'RpcException ERR_RPC_RESULT',
        function: 'RpcException ERR_RPC_RESULT',
        large: 'RpcArgumentException ERR_RPC_TOO_LARGE',
        'large result': 'RpcArgumentException ERR_RPC_TOO_LARGE',
        closure: 'RpcArgumentException ERR_RPC_ARGUMENT',
        released: 'NodeException ERR_BRIDGE_RELEASED',
        service: 'RpcMethodException ERR_RPC_METHOD',
        method: 'RpcMethodException ERR_RPC_METHOD',
      });
      for (const [key, [, , message]] of Object.entries(bad)) {
        assert.match(message, key === 'service' || key === 'method' ? /^(nothing|rpc)\.\w+: / : /^bridge\.\w+ /, key);
        t.diagnostic(message);
      }
      assert.equal(afterAll?.[2], 9);
      assert.deepEqual(await askJson(server, '/details'), ['TypeError', 'ERR_COLOUR', false]);
      assert.equal(server.workers().length, 1);
      await server.stop();
    });
  });
}

test('with debug on, the stack of Node comes along', async (t) => {
  const server = await startServer({
    command: ['php', fixture('native/rpc.php')],
    config: { ...config, http: { pool: { num_workers: 1, debug: true } } },
  });
  t.after(() => server.discard());
  assert.deepEqual(await askJson(server, '/details'), ['TypeError', 'ERR_COLOUR', true]);
  await server.stop();
});

test('requests that call keep their order and their answers while others are sent ahead', async (t) => {
  const server = await startServer({
    command: ['php', fixture('native/rpc.php')],
    config: { ...config, http: { pool: { num_workers: 2, prefetch: 8 } } },
  });
  t.after(() => server.discard());
  const make = (index: number) => ({ path: `/echo?id=n${index}`, expect: `"n${index}"` });
  const { statuses, mixedUp } = await load(server, { total: 5_000, connections: 32, make });
  assert.deepEqual([Object.fromEntries(statuses), mixedUp], [{ 200: 5_000 }, 0]);
  // Those with a slow call had others sent behind them, which are taken back while the call waits.
  const slow = (index: number) => ({
    path: `/${index % 25 === 0 ? 'slow' : 'echo'}?id=n${index}`,
    expect: `"n${index}"`,
  });
  const second = await load(server, { total: 3_000, connections: 32, make: slow });
  assert.deepEqual([Object.fromEntries(second.statuses), second.mixedUp], [{ 200: 3_000 }, 0]);
  t.diagnostic('5,000 requests with a call each, then 3,000 with 120 slow calls, 32 at a time, 2 workers');
  await server.stop();
});

test('a script calls over the socket, with the token', async (t) => {
  const port = await freePort();
  const server = await startServer({
    command: ['php', fixture('native/rpc.php')],
    config: { ...config, rpc: { listen: `tcp://127.0.0.1:${port}`, token: TOKEN, max_payload: '4mb' } },
  });
  t.after(() => server.discard());
  await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
  const run = async (code: string, token = TOKEN): Promise<string> => {
    const env = { ...process.env, RRTS_RPC: `tcp://127.0.0.1:${port}`, RRTS_RPC_TOKEN: token };
    const script = `require '${AUTOLOAD}'; use Rrts\\Node; $rpc = Rrts\\Rpc\\Rpc::fromEnvironment(); try { ${code} } catch (Rrts\\Exception\\RrtsException $e) { echo $e::class, ' ', $e->getMessage(); }`;
    return (await promisify(execFile)('php', ['-r', script], { env, timeout: 20_000 })).stdout;
  };
  assert.match(
    await run("echo $rpc->call('rpc.Version'), ' ', $rpc->door()::class;"),
    /^\d+\.\S+ Rrts\\Rpc\\SocketRpc$/,
  );
  assert.equal(await run("echo Node::module('library')(5)->resize(200)->width;"), '200');
  assert.equal(await run("echo array_sum(iterator_to_array(Node::module('library')->count(200)));"), '20100');
  assert.equal(
    await run(
      "$t = str_repeat('x', 10000); for ($i = 0; $i < 3000; $i++) $c[] = Node::start(Node::module('library'), 'later', $t); foreach ($c as $i => $call) if ($call->wait() !== $t) echo $i; echo 'done';",
    ),
    'done',
  );
  assert.match(await run("$rpc->call('rpc.Version');", 'not-the-token-but-long'), /RpcException rpc\.Authenticate: /);
  assert.match(
    await run("Node::module('library')->echo(str_repeat('x', 5_000_000));"),
    /RpcArgumentException bridge\.Call library\.echo: /,
  );
  await server.stop();
});

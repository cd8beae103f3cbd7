// The rpc plugin over real sockets: calls, errors, bytes that are no call, limits, the socket file.

import assert from 'node:assert/strict';
import { existsSync, linkSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { camelCased } from '../../../src/core/camel-case.ts';
import { RrtsError } from '../../../src/core/errors.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { rpcSchema } from '../../../src/plugins/rpc/config.ts';
import { rpcPlugin } from '../../../src/plugins/rpc/plugin.ts';
import { CallError } from '../../../src/plugins/rpc-router/method.ts';
import { DEFAULT_LIMITS, RpcRouter } from '../../../src/plugins/rpc-router/router.ts';
import type { Pool } from '../../../src/pool/pool.ts';
import { encodeFrame } from '../../../src/protocol/encode.ts';
import { FLAG } from '../../../src/protocol/frame.ts';
import { encodeError } from '../../../src/protocol/rpc/call.ts';
import { hostServices } from '../../../src/server/rpc-services/host-services.ts';
import { ROADRUNNER_VERSION } from '../../../src/version.ts';
import { freePort } from '../../helpers/free-port.ts';
import { ROOT } from '../../helpers/paths.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { LogCollector } from '../../pool/pool-rig.ts';
import { fakeContext, poolStats, workerStats } from '../fake-context.ts';
import { RpcClient } from './rpc-client.ts';

const VECTORS: { valid: { name: string; hex: string }[] } = JSON.parse(
  readFileSync(join(ROOT, 'test/vectors/frames.json'), 'utf8'),
);

/** A pool that writes down what is asked of it; its resets end when the test says so. */
class FakePool {
  readonly name = 'http';
  added = 0;
  removed = 0;
  readonly resets: { resolve(): void; reject(error: unknown): void }[] = [];

  stats() {
    const worker = { execs: 3, held: 0, startedAt: 1_700_000_000_000, codec: 'json' as const };
    return poolStats({
      workers: [
        workerStats({ ...worker, pid: process.pid, state: 'ready' }),
        workerStats({ ...worker, pid: 99_999_999, state: 'working' }),
        workerStats({ ...worker, pid: 1, state: 'stopping' }),
      ],
    });
  }

  async addWorker(): Promise<void> {
    this.added++;
  }

  removeWorker(): void {
    this.removed++;
  }

  reset(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.resets.push({ resolve, reject });
    });
  }
}

async function startRpc(t: TestContext, listen?: string) {
  const port = await freePort();
  const pool = new FakePool();
  const logger = new LogCollector();
  const services = hostServices({
    pools: () => [pool as unknown as Pool],
    callInside: () => Promise.reject(new CallError('no queues here', 'ERR_RPC_METHOD')),
    written: () => ({}),
    logger: silentLogger,
    raw: () => undefined,
  });
  const rpcRouter = new RpcRouter({ services: () => services, logger, limits: DEFAULT_LIMITS });
  const context = { ...fakeContext(() => []), logger, rpcRouter };
  const config = camelCased(rpcSchema, rpcSchema.parse({ listen: listen ?? `tcp://127.0.0.1:${port}` }));
  const plugin = rpcPlugin.create(config, context);
  await plugin.start();
  t.after(() => plugin.stop(0));
  const connectTo = (to: ConstructorParameters<typeof RpcClient>[0] = { port, host: '127.0.0.1' }): RpcClient => {
    const client = new RpcClient(to);
    t.after(() => client.close());
    return client;
  };
  return { plugin, pool, logger, port, connectTo };
}

test('the golden call is answered: same sequence, same prefix, same flag', async (t) => {
  const { connectTo } = await startRpc(t);
  const client = connectTo();
  const golden = VECTORS.valid.find(({ name }) => name === 'rpc call');
  client.socket.write(Buffer.from(golden?.hex ?? '', 'hex'));
  const reply = await client.reply(1);
  assert.deepEqual(reply, {
    sequence: 1,
    flags: FLAG.JSON,
    method: 'rpc.Version',
    text: JSON.stringify(ROADRUNNER_VERSION),
  });
});

test('an error has the form of the golden one, with the texts of net/rpc', async (t) => {
  const { connectTo } = await startRpc(t);
  const client = connectTo();
  const cases: Record<string, string> = {
    'kv.Nope': "rpc: can't find service kv.Nope",
    'rpc.Nope': "rpc: can't find method rpc.Nope",
    'rpc.constructor': "rpc: can't find method rpc.constructor",
    'rpc.__proto__': "rpc: can't find method rpc.__proto__",
    '__proto__.toString': "rpc: can't find service __proto__.toString",
    'constructor.name': "rpc: can't find service constructor.name",
    nodot: 'rpc: service/method request ill-formed: nodot',
    '': 'rpc: service/method request ill-formed: ',
  };
  for (const [method, text] of Object.entries(cases)) {
    const reply = await client.send(method, true);
    assert.deepEqual([reply.flags, reply.method, reply.text], [FLAG.ERROR | FLAG.JSON, method, text]);
  }
});

test('the golden error, byte for byte', () => {
  const golden = VECTORS.valid.find(({ name }) => name === 'rpc error');
  const call = {
    sequence: 1,
    method: Buffer.from('kv.Nope'),
    argument: Buffer.alloc(0),
    codec: FLAG.JSON,
    deadlineMs: 0,
  };
  assert.equal(encodeError(call, Buffer.from("rpc: can't find method kv.Nope")).toString('hex'), golden?.hex);
});

test('another codec, and JSON that is none, are errors of the call', async (t) => {
  const { connectTo } = await startRpc(t);
  const client = connectTo();
  const refusals = new Map([
    [0, /JSON, MessagePack, protobuf and raw are understood/],
    [0x20, /Go's gob/],
    [FLAG.JSON | FLAG.PROTO, /flags 0x88/],
    [FLAG.PROTO, /takes JSON \(flag 0x08\) or MessagePack/],
  ]);
  for (const [flags, text] of refusals) {
    const reply = await client.send('rpc.Version', Buffer.from('x'), flags);
    assert.equal(reply.flags, flags | FLAG.ERROR);
    assert.match(reply.text, text);
  }
  assert.equal((await client.send('rpc.Version', Buffer.from('x'), FLAG.RAW)).text, ROADRUNNER_VERSION);
  for (const bad of ['{', 'tru', '\u0000']) {
    assert.match((await client.send('rpc.Version', Buffer.from(bad))).text, /not well-formed JSON/);
  }
  assert.equal((await client.send('rpc.Version', Buffer.alloc(0))).flags, FLAG.JSON);
});

test('informer: list, workers, add, remove', async (t) => {
  const { connectTo, pool } = await startRpc(t);
  const client = connectTo();
  assert.deepEqual(await client.call('informer.List', true), ['http']);
  const { workers } = await client.call<{ workers: Record<string, unknown>[] }>('informer.Workers', 'http');
  const [own, other] = workers;
  assert.equal(workers.length, 2);
  assert.ok(own && typeof own['memoryUsage'] === 'number' && own['memoryUsage'] > 1_000_000);
  const { memoryUsage: _memory, CPUPercent, ...rest } = own;
  assert.equal(typeof CPUPercent, 'number');
  const facts = { numExecs: 3, created: 1_700_000_000_000_000_000, command: 'php worker.php' };
  assert.deepEqual(rest, { pid: process.pid, status: 1, statusStr: 'ready', ...facts });
  assert.deepEqual([other?.['status'], other?.['statusStr'], other?.['memoryUsage']], [2, 'working', 0]);
  assert.deepEqual(await client.call('informer.Workers', 'jobs'), { workers: [] });
  assert.equal(await client.call('informer.AddWorker', 'http'), true);
  assert.equal(await client.call('informer.RemoveWorker', 'http'), true);
  assert.deepEqual([pool.added, pool.removed], [1, 1]);
  for (const method of ['informer.AddWorker', 'informer.RemoveWorker']) {
    await assert.rejects(client.call(method, 'jobs'), { message: 'plugin jobs does not support workers management' });
    await assert.rejects(client.call(method, { name: 'http' }), { message: /must be the name of a plugin/ });
  }
});

test('resetter: list, reset, a reset that fails', async (t) => {
  const { connectTo, pool, logger } = await startRpc(t);
  const client = connectTo();
  assert.deepEqual(await client.call('resetter.List', true), ['http']);
  await assert.rejects(client.call('resetter.Reset', 'jobs'), { message: 'no such plugin: jobs' });
  const failing = client.send('resetter.Reset', 'http');
  const working = client.send('resetter.Reset', 'http');
  const broken = client.send('resetter.Reset', 'http');
  // Calls of one connection run side by side: this one is answered while three others wait.
  assert.equal(await client.call('rpc.Version', true), ROADRUNNER_VERSION);
  await eventually(() => pool.resets.length === 3, 'three resets');
  pool.resets[1]?.resolve();
  assert.equal((await working).text, 'true');
  pool.resets[0]?.reject(new RrtsError('ERR_WORKER_BOOT', 'worker.php ended with code 3'));
  assert.equal((await failing).text, 'worker.php ended with code 3');
  pool.resets[2]?.reject(new TypeError('a secret of ours'));
  assert.equal((await broken).text, 'internal error');
  assert.ok(logger.lines.some((line) => line.includes('resetter.Reset failed: a secret of ours')));
});

test('more calls than may run at once wait, and all are answered, also after the client has ended', async (t) => {
  const { connectTo, pool } = await startRpc(t);
  const client = connectTo();
  const resets = Array.from({ length: 300 }, () => client.send('resetter.Reset', 'http'));
  await eventually(() => pool.resets.length === 128, '128 calls in flight');
  const version = client.send('rpc.Version', true);
  client.socket.end();
  assert.equal(await connectTo().call('rpc.Version', true), ROADRUNNER_VERSION);
  assert.equal(pool.resets.length, 128);
  for (let ended = 0; ended < 300; ended++) {
    await eventually(() => pool.resets.length > ended, `call ${ended}`);
    pool.resets[ended]?.resolve();
  }
  assert.ok((await Promise.all(resets)).every(({ text }) => text === 'true'));
  assert.equal((await version).flags, FLAG.JSON);
  await within(client.closed, 5000, 'the end of the connection');
});

const FAULTS: Record<string, Buffer> = {
  text: Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  'no options': encodeFrame(FLAG.JSON, 0, [], Buffer.from('rpc.Version')),
  'one option': encodeFrame(FLAG.JSON, 0, [11], Buffer.from('rpc.Version')),
  'four options': encodeFrame(FLAG.JSON, 0, [1, 11, 0, 0], Buffer.from('rpc.Version')),
  'a name longer than its frame': encodeFrame(FLAG.JSON, 0, [1, 12], Buffer.from('rpc.Version')),
  'a control frame': encodeFrame(FLAG.JSON | FLAG.CONTROL, 0, [1, 11], Buffer.from('rpc.Version')),
  'a large frame that is no call': encodeFrame(FLAG.JSON, 0, [11], Buffer.alloc(64 * 1024 * 1024 + 1)).subarray(0, 64),
};

for (const [name, bytes] of Object.entries(FAULTS)) {
  test(`what is no call closes the connection, with a line in the log: ${name}`, async (t) => {
    const { connectTo, logger } = await startRpc(t);
    const client = connectTo();
    client.socket.write(bytes);
    await within(client.closed, 5000, 'the end of the connection');
    assert.equal(logger.lines.filter((line) => line.startsWith('warn rpc: a connection was closed')).length, 1);
    assert.equal(await connectTo().call('rpc.Version', true), ROADRUNNER_VERSION);
  });
}

test('an end inside a frame is logged; a frame in single bytes is a call', async (t) => {
  const { connectTo, logger } = await startRpc(t);
  const bytes = encodeFrame(FLAG.JSON, 0, [7, 11], Buffer.from('rpc.Versiontrue'));
  const slow = connectTo();
  slow.socket.setNoDelay(true);
  const reply = slow.reply(7);
  for (const byte of bytes) slow.socket.write(Buffer.from([byte]));
  assert.equal((await reply).method, 'rpc.Version');
  const cut = connectTo();
  cut.socket.end(bytes.subarray(0, 20));
  await within(cut.closed, 5000, 'the end of the connection');
  assert.ok(logger.lines.some((line) => line.includes('ended inside a frame')));
});

test('a unix socket has mode 0600, replaces one that was left, and is gone after the stop', async (t) => {
  const dir = makeTempDir('rpc');
  t.after(() => dir.remove());
  const path = dir.file('rpc.sock');
  // A server that is killed leaves its socket file; listening through a second name does the same here.
  const killed = createServer();
  await new Promise<void>((resolve) => killed.listen(dir.file('first.sock'), resolve));
  linkSync(dir.file('first.sock'), path);
  await new Promise((resolve) => killed.close(resolve));
  assert.ok(existsSync(path));
  const { connectTo, plugin } = await startRpc(t, `unix://${path}`);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const client = connectTo({ path });
  assert.equal(await client.call('rpc.Version', true), ROADRUNNER_VERSION);
  await within(plugin.stop(60_000), 20_000, 'the stop, though a client stays connected');
  assert.ok(!existsSync(path));
});

test('a stop waits for calls that run, though not for long', async (t) => {
  const { connectTo, plugin, pool } = await startRpc(t);
  const client = connectTo();
  const quick = client.send('resetter.Reset', 'http');
  await eventually(() => pool.resets.length === 1, 'the call to run');
  const stopped = plugin.stop(30_000);
  pool.resets[0]?.resolve();
  assert.equal((await quick).text, 'true');
  await within(stopped, 900, 'the stop');
});

test('an address that is in use is ERR_LISTEN; one that others reach is refused', async (t) => {
  const { port } = await startRpc(t);
  await assert.rejects(startRpc(t, `tcp://127.0.0.1:${port}`), { code: 'ERR_LISTEN', message: /^rpc\.listen: / });
  for (const listen of ['127.0.0.1:6001', 'tcp://[::1]:6001', 'localhost:6001', 'unix:///run/rpc.sock']) {
    assert.ok(rpcSchema.safeParse({ listen }).success, listen);
  }
  for (const listen of [':6001', 'tcp://0.0.0.0:6001', 'tcp://[::]:6001', '192.168.1.2:6001', 'example.org:6001']) {
    const { error } = rpcSchema.safeParse({ listen });
    assert.match(error?.issues[0]?.message ?? '', /can be reached from other machines .* set rpc\.token/, listen);
    assert.match(rpcSchema.safeParse({ listen, token: '' }).error?.issues[0]?.message ?? '', /there is no token/);
    assert.ok(rpcSchema.safeParse({ listen, token: 'x'.repeat(16) }).success);
    for (const token of ['x'.repeat(15), 'x'.repeat(513), `${'x'.repeat(16)} y`, 'ä'.repeat(20)]) {
      assert.match(rpcSchema.safeParse({ listen, token }).error?.issues[0]?.message ?? '', /16 to 512 printable/);
    }
  }
});

// Fuzz of both RPC doors: arguments that nobody means for every method, and bytes that are no calls. Each well-formed call is answered, a client beside
// is served all the time, and the server holds no more than before.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { FLAG } from '../../../src/protocol/frame.ts';
import { BUILT_IN_PLUGINS } from '../../../src/server/built-in-plugins.ts';
import { Server } from '../../../src/server/server.ts';
import { freePort } from '../../helpers/free-port.ts';
import { ROOT } from '../../helpers/paths.ts';
import type { ConfigTree } from '../../helpers/start-server.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { LogCollector } from '../../pool/pool-rig.ts';
import { load } from '../../server/config-files.ts';
import { Random } from '../protocol/random.ts';
import { pick } from '../rig/length.ts';
import { look } from '../rig/probe.ts';
import { report } from '../rig/report.ts';
import { WORKERS } from '../rig/standard-app.ts';
import { callFrame, type Doors, post, startDoors } from './doors.ts';
import { anyCall, garbage } from './fuzz-calls.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_606);
const BATCH = 50;
const MEGABYTE = 1024 * 1024;
/** Where a method would run programs: `service.Create` takes any command, as it is meant to. */
const NOT_FUZZED = /^service\./;

/** Sections whose services shall be there. */
const SECTIONS: ConfigTree = {
  kv: { memory: { driver: 'memory', config: {} } },
  ...(BUILT_IN_PLUGINS.some(({ name }) => name === 'lock') ? { lock: {} } : {}),
};

/** Every method that a server with these sections has. */
async function registeredMethods(t: TestContext): Promise<string[]> {
  const port = await freePort();
  const config = {
    version: '3',
    rpc: { listen: 'none' },
    metrics: { address: `127.0.0.1:${port}` },
    bridge: {},
    ...SECTIONS,
  };
  const { loaded, lines } = load(t, { yaml: JSON.stringify(config) });
  assert.ok(loaded !== undefined, lines.join('\n'));
  const { config: root, environment } = loaded;
  const server = new Server({
    config: root,
    environment,
    logger: Object.assign(new LogCollector(), { isLevelEnabled: () => false }),
    cwd: ROOT,
  });
  await server.start();
  const names = [...server.rpcServices].flatMap(([service, { methods }]) =>
    [...methods.keys()].map((name) => `${service}.${name}`),
  );
  await server.stop(1000);
  return names.filter((name) => !NOT_FUZZED.test(name));
}

/** Calls over both doors, one after the other, until it is told to stop; the slowest answer in milliseconds. */
function behaveWell({ doors }: Doors): () => Promise<{ served: number; slowestMs: number }> {
  let [served, slowestMs, enough] = [0, 0, false];
  const run = async (door: Doors['doors'][number]): Promise<void> => {
    while (!enough) {
      const begin = performance.now();
      const [reply] = await door.send(callFrame(served + 1, 'resetter.List', true), 1);
      assert.deepEqual([reply?.error, reply?.flags, reply?.text], [false, FLAG.JSON, '["http"]'], door.name);
      slowestMs = Math.max(slowestMs, performance.now() - begin);
      served++;
    }
  };
  const done = Promise.all(doors.map(run));
  done.catch(() => undefined);
  return async () => {
    enough = true;
    await done;
    return { served, slowestMs };
  };
}

describe('fuzz of the RPC doors', { concurrency: 1 }, () => {
  test('fuzz: every method, with arguments that nobody means', async (t) => {
    const dir = makeTempDir('fuzz');
    t.after(() => dir.remove());
    const methods = await registeredMethods(t);
    const server = await startDoors(t, SECTIONS, dir.file('report'));
    const { app, doors, quiet } = server;
    const random = new Random(SEED);
    const round = async (batches: number): Promise<number> => {
      let answered = 0;
      for (let batch = 0; batch < batches; batch++) {
        const sends = doors.map(async (door) => {
          const calls = Array.from({ length: BATCH }, (_, i) => anyCall(random, i + 1, methods));
          const replies = await door.send(Buffer.concat(calls), BATCH);
          const sequences = replies.map(({ sequence }) => sequence).sort((a, b) => a - b);
          assert.deepEqual(
            sequences,
            calls.map((_, i) => i + 1),
            `seed ${SEED}, batch ${batch}, ${door.name}`,
          );
          answered += replies.length;
        });
        await Promise.all(sends);
      }
      return answered;
    };
    await round(pick(4, 40));
    await quiet();
    const before = await look(app, dir.file('report'));
    const stop = behaveWell(server);
    const answered = await round(pick(20, 2_000));
    const { served, slowestMs } = await stop();
    await quiet();
    const after = await look(app, dir.file('report'));
    const heapMb = (after.heapUsed - before.heapUsed) / MEGABYTE;
    t.diagnostic(`ends: ${await ends(app)}`);
    report(
      t,
      { seed: SEED, methods: methods.length, answered, served, slowestMs, heapMb },
      { methods: 20, answered: 2_000, served: 20 },
    );
    assert.ok(heapMb < 15, `the heap grew by ${heapMb} MiB`);
    assert.ok(
      after.descriptors <= before.descriptors + 5,
      `${before.descriptors}, then ${after.descriptors} descriptors`,
    );
    assert.ok(
      !/internal error|TypeError|RangeError|stack/.test(app.server.logs.text()),
      firstFault(app.server.logs.text()),
    );
    await app.server.stop();
  });

  test('fuzz: bytes that are no calls, over connections', async (t) => {
    const dir = makeTempDir('fuzz');
    t.after(() => dir.remove());
    const methods = ['rpc.Version', 'informer.List', 'informer.Workers', 'bridge.Call'];
    const server = await startDoors(t, {}, dir.file('report'));
    const { app, port, quiet } = server;
    const random = new Random(SEED);
    const throwIn = async (): Promise<void> => {
      const socket = connect(port, '127.0.0.1');
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.on('error', () => undefined);
      socket.resume();
      socket.end(garbage(random, methods));
      await within(closed, 20_000, 'the end of a connection');
    };
    const round = async (connections: number): Promise<void> => {
      for (let i = 0; i < connections; i += 10) await Promise.all(Array.from({ length: 10 }, throwIn));
    };
    await round(100);
    await quiet();
    const before = await look(app, dir.file('report'));
    const stop = behaveWell(server);
    const connections = pick(500, 50_000);
    await round(connections);
    const { served, slowestMs } = await stop();
    await quiet();
    const after = await look(app, dir.file('report'));
    const heapMb = (after.heapUsed - before.heapUsed) / MEGABYTE;
    report(t, { seed: SEED, connections, served, slowestMs, heapMb }, { connections: 500, served: 20 });
    assert.ok(heapMb < 10, `the heap grew by ${heapMb} MiB`);
    assert.ok(
      after.descriptors <= before.descriptors + 5,
      `${before.descriptors}, then ${after.descriptors} descriptors`,
    );
    await app.server.stop();
  });

  test('fuzz: bytes that are no calls, in-band: the worker is replaced, others serve', async (t) => {
    const dir = makeTempDir('fuzz');
    t.after(() => dir.remove());
    const methods = ['rpc.Version', 'informer.List', 'informer.Workers', 'bridge.Call'];
    // A pool of its own: a worker that sends a reply too many spoils the next request that it gets.
    const pools = { garbage: { num_workers: WORKERS, supervisor: { exec_ttl: '1s' } } };
    const http = { pools, routes: [{ path: '/send', pool: 'garbage' }] };
    const server = await startDoors(t, { http }, dir.file('report'));
    const { app, quiet } = server;
    const random = new Random(SEED);
    const stop = behaveWell(server);
    const statuses: Record<string, number> = {};
    const requests = pick(60, 3_000);
    for (let i = 0; i < requests; i += 2) {
      const two = [garbage(random, methods), garbage(random, methods)];
      for (const { status } of await Promise.all(two.map((bytes) => post(app, '/send', bytes)))) {
        statuses[status] = (statuses[status] ?? 0) + 1;
        assert.ok([200, 500, 502, 504].includes(status), `seed ${SEED}, request ${i}: ${status}`);
      }
    }
    const { served, slowestMs } = await stop();
    await eventually(() => app.workers().length === 2 * WORKERS, 'as many workers as before');
    await quiet();
    report(t, { seed: SEED, requests, served, slowestMs, ...statuses }, { requests: 60, served: 20, 502: 10 });
    await app.server.stop();
  });
});

/** How many calls ended how. */
async function ends(app: Doors['app']): Promise<string> {
  const totals: Record<string, number> = {};
  for (const [, outcome = '', calls] of (await app.metrics()).matchAll(
    /^rrts_rpc_calls_total\{service="[^"]*",outcome="([^"]*)"\} (\d+)$/gm,
  )) {
    totals[outcome] = (totals[outcome] ?? 0) + Number(calls);
  }
  return JSON.stringify(totals);
}

/** The first line of the log that tells of a fault of the server. */
function firstFault(log: string): string {
  return (
    log
      .split('\n')
      .find((line) => /internal error|TypeError|RangeError|stack/.test(line))
      ?.slice(0, 1500) ?? ''
  );
}

// RoadRunner's checklist of its RPC services (roadrunner.md 6.5), for any PHP client that speaks them.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { fixture } from '../helpers/paths.ts';
import { isAlive, processesMarked } from '../helpers/processes.ts';
import { type ServerProcess, startServer } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import type { ServicesClient, ServicesSpeaker } from './services-client.ts';

/** How the clients reach the server. */
export type Transport = 'tcp' | 'unix' | 'in-band';

interface Rig {
  readonly server: ServerProcess;
  readonly client: ServicesClient;
  readonly connect: () => ServicesClient;
  readonly scrape: () => Promise<string>;
}

/** A server with every section; undefined, and the test skipped, when the client cannot run here. */
async function start(t: TestContext, speaker: ServicesSpeaker, transport: Transport): Promise<Rig | undefined> {
  const reason = await speaker.prepare();
  if (reason !== undefined) {
    t.skip(reason);
    return undefined;
  }
  const dir = makeTempDir('services');
  t.after(() => dir.remove());
  const metricsPort = await freePort();
  const address = transport === 'unix' ? `unix://${dir.file('rpc.sock')}` : `tcp://127.0.0.1:${await freePort()}`;
  const server = await startServer({
    command: speaker.command ?? ['php', fixture('sdk-json.php')],
    config: {
      // Of those that call in-band, one is held by each lock that is waited for.
      ...(transport === 'in-band' ? { http: { pool: { num_workers: 6 } } } : {}),
      rpc: { listen: transport === 'in-band' ? 'none' : address },
      metrics: { address: `127.0.0.1:${metricsPort}`, collect: { configured: { type: 'gauge', labels: ['kind'] } } },
      kv: { cache: { driver: 'memory', config: {} }, other: { driver: 'memory', config: {} } },
      lock: {},
      service: { configured: { command: 'sleep 600', timeout_stop_sec: 1 } },
    },
  });
  t.after(() => server.discard());
  if (transport !== 'in-band') await server.waitForLog(({ text }) => text.includes('rpc listens'), 'that rpc listens');
  const connect = () => speaker.connect(t, server, address);
  const scrape = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return { server, client: connect(), connect, scrape };
}

/** One part of the checklist. `messages`: what is in the messages but not in RoadRunner's packages is tried too. */
type Check = (rig: Rig, messages: boolean) => Promise<void>;

const CHECKS = {
  'rpc, informer and resetter': checkWorkers,
  metrics: checkMetrics,
  kv: checkKeyValue,
  lock: checkLocks,
  service: checkService,
  'app and status': checkLogAndStatus,
} as const satisfies Record<string, Check>;

/** What is checked, of whom. */
export interface ServicesWish {
  readonly messages: boolean;
  /** Default: all. */
  readonly only?: readonly (keyof typeof CHECKS)[];
}

/** Runs the checklist. */
export function checkServices(speaker: ServicesSpeaker, transport: Transport, wish: ServicesWish): void {
  describe(`6.5 RPC services: ${speaker.name} over ${transport}`, { concurrency: 2 }, () => {
    for (const [name, check] of Object.entries(CHECKS) as [keyof typeof CHECKS, Check][]) {
      if (wish.only?.includes(name) === false) continue;
      test(name, async (t) => {
        const rig = await start(t, speaker, transport);
        if (rig === undefined) return;
        await check(rig, wish.messages);
        rig.client.close();
        await rig.server.stop();
      });
    }
  });
}

async function checkWorkers({ client, server }: Rig): Promise<void> {
  const rpc = <T>(method: string, argument: unknown) => client.call<T>('rpc.call', method, argument);
  assert.match(await rpc<string>('rpc.Version', true), /^\d+\.\d+\.\d+$/);
  const config = JSON.parse(Buffer.from(await rpc<string>('rpc.Config', true), 'base64').toString());
  assert.equal(config.version, '3');
  assert.deepEqual(Object.keys(config.kv), ['cache', 'other']);
  assert.deepEqual(config.service, { configured: { command: 'sleep 600', timeout_stop_sec: 1 } });
  assert.deepEqual(await rpc('informer.List', true), ['http']);
  assert.deepEqual(await rpc('informer.Jobs', 'jobs'), []);
  const pids = async () =>
    (await rpc<{ workers: { pid: number }[] }>('informer.Workers', 'http')).workers.map(({ pid }) => pid);
  const before = await pids();
  assert.equal(before.length, 2);
  assert.equal(await rpc('informer.AddWorker', 'http'), true);
  await eventually(async () => (await pids()).length === 3, 'three workers');
  assert.equal(await rpc('informer.RemoveWorker', 'http'), true);
  await eventually(async () => (await pids()).length === 2, 'two workers');
  assert.deepEqual(await rpc('resetter.List', true), ['http']);
  assert.equal(await rpc('resetter.Reset', 'http'), true);
  assert.ok((await pids()).every((pid) => !before.includes(pid)));
  assert.equal((await fetch(`${server.url}/pid`)).status, 200);
  await assert.rejects(rpc('informer.AddWorker', 'jobs'), /plugin jobs does not support workers management/);
  await assert.rejects(rpc('resetter.Reset', 'jobs'), /no such plugin/);
  await assert.rejects(rpc('nothing.Here', true), /rpc: can't find service nothing\.Here/);
  await assert.rejects(rpc('rpc.Nothing', true), /rpc: can't find method rpc\.Nothing/);
}

async function checkMetrics({ client, scrape }: Rig): Promise<void> {
  const call = client.call.bind(client);
  for (const labels of [[], ['country']]) {
    const suffix = labels.length === 0 ? '' : '_by';
    const values = labels.map(() => 'DE');
    await call('metrics.declare', `orders${suffix}`, 'counter', labels, {
      help: 'Orders.',
      namespace: 'shop',
      subsystem: 'web',
    });
    await call('metrics.declare', `depth${suffix}`, 'gauge', labels);
    await call('metrics.declare', `seconds${suffix}`, 'histogram', labels, { buckets: [0.1, 1] });
    await call('metrics.declare', `size${suffix}`, 'summary', labels);
    await call('metrics.declare', `orders${suffix}`, 'counter', labels);
    await call('metrics.add', `orders${suffix}`, 1.5, values);
    await call('metrics.add', `orders${suffix}`, 1, values);
    await call('metrics.set', `depth${suffix}`, 10, values);
    await call('metrics.sub', `depth${suffix}`, 4, values);
    await call('metrics.observe', `seconds${suffix}`, 0.5, values);
    await call('metrics.observe', `size${suffix}`, 3, values);
  }
  await call('metrics.set', 'configured', 7, ['x']);
  const text = await scrape();
  for (const line of [
    '# HELP shop_web_orders Orders.',
    'shop_web_orders 2.5',
    'shop_web_orders_by{country="DE"} 2.5',
    'depth 6',
    'depth_by{country="DE"} 6',
    'seconds_bucket{le="0.1"} 0',
    'seconds_bucket{le="1"} 1',
    'seconds_by_count{country="DE"} 1',
    'size_sum 3',
    'size_by_sum{country="DE"} 3',
    'configured{kind="x"} 7',
  ]) {
    assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`);
  }
  await assert.rejects(call('metrics.add', 'unknown', 1), /undefined collector unknown/);
  await assert.rejects(call('metrics.set', 'orders', 1), /collector orders does not support method Set/);
  await assert.rejects(call('metrics.sub', 'orders', 1), /collector orders does not support method Sub/);
  await assert.rejects(call('metrics.observe', 'depth', 1), /collector depth does not support method Observe/);
  await assert.rejects(call('metrics.add', 'seconds', 1), /collector seconds does not support method Add/);
  await assert.rejects(call('metrics.add', 'orders', -1), /cannot go down/);
  await assert.rejects(call('metrics.add', 'orders_by', 1), /required labels for collector orders_by/);
  await assert.rejects(call('metrics.add', 'orders_by', 1, ['a', 'b']), /has 1 labels \(country\), the call has 2/);
  await call('metrics.unregister', 'orders');
  await assert.rejects(call('metrics.add', 'orders', 1), /undefined collector orders/);
  assert.doesNotMatch(await scrape(), /^shop_web_orders /m);
}

async function checkKeyValue({ client }: Rig, messages: boolean): Promise<void> {
  const call = client.call.bind(client);
  await call('kv.set', 'cache', { a: 'one', b: 'two' });
  await call('kv.set', 'cache', { short: 'gone soon' }, 1);
  await call('kv.set', 'cache', { long: 'stays' }, 600);
  assert.deepEqual(await call('kv.get', 'cache', ['a', 'b', 'none']), { a: 'one', b: 'two', none: null });
  assert.deepEqual(await call('kv.get', 'other', ['a']), { a: null });
  assert.equal(await call('kv.has', 'cache', 'a'), true);
  assert.equal(await call('kv.has', 'cache', 'none'), false);
  const ttl = await call<Record<string, string | null>>('kv.ttl', 'cache', ['long']);
  const left = (Date.parse(ttl['long'] ?? '') - Date.now()) / 1000;
  assert.ok(left > 590 && left <= 601, `${left} s`);
  await eventually(async () => !(await call<boolean>('kv.has', 'cache', 'short')), 'the end of a value', 20_000);
  await call('kv.delete', 'cache', ['a']);
  assert.equal(await call('kv.has', 'cache', 'a'), false);
  if (messages) {
    await call('kv.set', 'cache', { c: 'three' });
    await call('kv.expire', 'cache', ['c'], 1);
    assert.deepEqual(await call('kv.get', 'cache', ['c']), { c: 'three' });
    await eventually(async () => !(await call<boolean>('kv.has', 'cache', 'c')), 'the end of a value', 20_000);
  }
  await call('kv.clear', 'cache');
  assert.deepEqual(await call('kv.get', 'cache', ['b', 'long']), { b: null, long: null });
  await assert.rejects(call('kv.get', 'nowhere', ['a']), /no such storage|has not been defined/);
}

async function checkLocks({ client, connect }: Rig): Promise<void> {
  const call = client.call.bind(client);
  assert.equal(await call('lock.lock', 'report', 'one'), true);
  assert.equal(await call('lock.lock', 'report', 'two'), false);
  assert.equal(await call('lock.lockRead', 'report', 'two'), false);
  assert.equal(await call('lock.exists', 'report'), true);
  assert.equal(await call('lock.exists', 'report', 'two'), false);
  assert.equal(await call('lock.release', 'report', 'two'), false);
  const other = connect();
  const waited = other.call('lock.lock', 'report', 'two', 0, 10);
  // Whether it waits already cannot be seen from here: it gets the lock in either order.
  assert.equal(await call('lock.release', 'report', 'one'), true);
  assert.equal(await waited, true);
  assert.equal(await call('lock.forceRelease', 'report'), true);
  assert.equal(await call('lock.exists', 'report'), false);
  assert.equal(await call('lock.lockRead', 'report', 'a'), true);
  assert.equal(await call('lock.lockRead', 'report', 'b'), true);
  assert.equal(await call('lock.lock', 'report', 'c'), false);
  assert.equal(await call('lock.release', 'report', 'a'), true);
  assert.equal(await call('lock.release', 'report', 'b'), true);
  assert.equal(await call('lock.lock', 'brief', 'x', 0.3), true);
  assert.equal(await other.call('lock.lock', 'brief', 'y', 0, 5), true);
  assert.equal(await call('lock.updateTtl', 'brief', 'y', 0.2), true);
  await eventually(async () => !(await call<boolean>('lock.exists', 'brief')), 'the end of the lock');
  const clients = Array.from({ length: 4 }, connect);
  const got = await Promise.all(clients.map((one, index) => one.call('lock.lock', 'many', `id${index}`)));
  assert.equal(got.filter((ok) => ok === true).length, 1);
  // Each waits for its turn, and never two have it.
  let inside = 0;
  let turns = 0;
  const takeTurns = async (one: ServicesClient, id: string): Promise<void> => {
    for (let round = 0; round < 5; round++) {
      assert.equal(await one.call('lock.lock', 'turns', id, 0, 15), true);
      assert.equal(++inside, 1);
      turns++;
      inside--;
      assert.equal(await one.call('lock.release', 'turns', id), true);
    }
  };
  await Promise.all(clients.map((one, index) => takeTurns(one, `id${index}`)));
  assert.equal(turns, 20);
  for (const one of [other, ...clients]) one.close();
}

interface Status {
  readonly pid: number;
  readonly memory_usage: number;
  readonly command: string;
  readonly error: string | null;
}

async function checkService({ client, server }: Rig, messages: boolean): Promise<void> {
  const call = client.call.bind(client);
  const statuses = (name: string) => client.call<Status[]>('service.statuses', name);
  assert.deepEqual(await call('service.list'), ['configured']);
  assert.equal(await call('service.create', 'ticker', 'sleep 500', { process_num: 2, env: { COLOUR: 'red' } }), true);
  assert.deepEqual(await call('service.list'), ['configured', 'ticker']);
  const before = await statuses('ticker');
  assert.equal(before.length, 2);
  for (const { pid, command, error } of before)
    assert.deepEqual([isAlive(pid), command, error], [true, 'sleep 500', null]);
  // A process that is about to become another program has no memory for a moment.
  await eventually(async () => (await statuses('ticker')).every((one) => one.memory_usage > 0), 'the memory of both');
  if (messages) assert.equal((await client.call<Status>('service.status', 'ticker')).pid, before[0]?.pid);
  assert.equal(await call('service.restart', 'ticker'), true);
  const after = await statuses('ticker');
  assert.equal(after.length, 2);
  assert.ok(before.every(({ pid }) => !isAlive(pid)) && after.every(({ pid }) => isAlive(pid)));
  assert.equal(await call('service.create', 'once', 'true'), true);
  await eventually(async () => (await statuses('once'))[0]?.error === 'ended with code 0', 'its end');
  assert.equal(await call('service.create', 'again', 'true', { remain_after_exit: true, restart_sec: 1 }), true);
  const [first] = await statuses('again');
  await eventually(async () => (await statuses('again'))[0]?.pid !== first?.pid, 'the next start', 20_000);
  await assert.rejects(call('service.create', 'ticker', 'sleep 1'), /the service ticker exists already/);
  await assert.rejects(call('service.create', 'bad', '/no/such/program'), /cannot start "\/no\/such\/program"/);
  for (const command of ['service.terminate', 'service.restart', 'service.statuses']) {
    await assert.rejects(call(command, 'nobody'), /no such service: nobody/);
  }
  assert.equal(await call('service.terminate', 'ticker'), true);
  assert.ok(after.every(({ pid }) => !isAlive(pid)));
  assert.equal(processesMarked(server.mark).filter(({ command }) => command === 'sleep 500').length, 0);
}

async function checkLogAndStatus({ client, server }: Rig, messages: boolean): Promise<void> {
  for (const [level, written] of Object.entries({ error: 'error', warning: 'warn', info: 'info', debug: 'debug' })) {
    await client.call('app.log', level, `plain ${level}`);
    await client.call('app.log', level, `more ${level}\nsecond line`, { order: '42', level: 'forged' });
    const plain = await server.waitForLog(({ facts }) => facts['msg'] === `plain ${level}`, level);
    assert.deepEqual([plain.facts['level'], plain.facts['logger']], [written, 'app']);
    const more = await server.waitForLog(({ facts }) => facts['msg'] === `more ${level}\\nsecond line`, level);
    const { facts } = more;
    assert.deepEqual(
      [facts['level'], facts['order'], facts['level_'], facts['logger']],
      [written, '42', 'forged', 'app'],
    );
  }
  await client.call('app.log', 'log', 'as it is');
  await client.call('app.log', 'log', 'as it is', { order: '42' });
  for (const raw of ['as it is', 'as it is order:42']) {
    await server.waitForLog(({ text, stream }) => text === raw && stream === 'stderr', raw);
  }
  if (!messages) return;
  assert.deepEqual(await client.call('status.status', 'http'), { code: 200, message: '' });
  assert.deepEqual(await client.call('status.ready', 'http'), { code: 200, message: '' });
  await assert.rejects(client.call('status.status', 'nothing'), /no such plugin: nothing/);
}

// The pool with real PHP processes: what happens to request and worker at every end of an exchange.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isRrtsError } from '../../src/core/errors.ts';
import type { Pool } from '../../src/pool/pool.ts';
import { freePort } from '../helpers/free-port.ts';
import { fixture } from '../helpers/paths.ts';
import { isAlive, kill, phpProcesses } from '../helpers/processes.ts';
import { makeTempDir as tempDir } from '../helpers/temp-dir.ts';
import { eventually, within } from '../helpers/wait-for.ts';
import { ask, type End, pids, startRig, TestRequest, withRig } from './pool-rig.ts';

const KINDS = [
  ['sdk-json.php', 'json'],
  ['sdk-proto.php', 'proto'],
  ['native/worker.php', 'json'],
] as const;

for (const [script, sdkCodec] of KINDS) {
  for (const relay of ['pipes', 'unix', 'tcp'] as const) {
    test(`relay contract: ${script} over ${relay}`, async () => {
      const directory = tempDir();
      const address = {
        pipes: 'pipes',
        unix: `unix://${join(directory.path, 'relay.sock')}`,
        tcp: `tcp://127.0.0.1:${await freePort()}`,
      };
      await withRig(script, { relay: address[relay], sdkCodec }, async ({ pool }) => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => ask(pool, '/pid')));
        assert.deepEqual(new Set(answers.map(({ text }) => Number(text))), new Set(pids(pool)));
        const stream = await ask(pool, '/stream?chunks=5');
        assert.equal(stream.status, 200);
        const big = await ask(pool, '/big?bytes=3200000');
        assert.equal(big.text.length, 3_200_000);
        assert.equal((await ask(pool, '/error-frame?text=boom')).error?.code, 'ERR_WORKER_ERROR');
      });
      directory.remove();
    });
  }
}

test('requests go round: each worker gets its turn', () =>
  withRig('sdk-json.php', { config: { num_workers: 3 } }, async ({ pool }) => {
    const order: string[] = [];
    for (let i = 0; i < 9; i++) order.push((await ask(pool, '/pid')).text);
    assert.equal(new Set(order.slice(0, 3)).size, 3);
    assert.deepEqual(order.slice(3, 6), order.slice(0, 3));
    assert.deepEqual(order.slice(6, 9), order.slice(0, 3));
  }));

test('a GET whose worker is killed is replayed on another one; a POST fails with ERR_WORKER_DIED', () =>
  withRig('sdk-json.php', {}, async ({ pool, mark }) => {
    const directory = tempDir();
    const file = join(directory.path, 'log');
    for (const method of ['GET', 'POST']) {
      const request = new TestRequest(`/sleep?ms=300&id=7&begun=${file}`, method);
      pool.submit(request);
      const worker = await eventually(() => request.worker, 'the request to run');
      kill(worker.pid, 'SIGKILL');
      const end = await within(request.end, 20_000, 'the end');
      if (method === 'GET') assert.deepEqual([end.status, end.text, request.attempt], [200, '7', 2]);
      else assert.equal(end.error?.code, 'ERR_WORKER_DIED');
      await eventually(() => pool.stats().ready === 2, 'the pool to be whole again');
    }
    assert.equal(phpProcesses(mark).length, 2);
    directory.remove();
  }));

test('a request that kills two workers is not tried a third time', () =>
  withRig('sdk-json.php', { config: { num_workers: 3 } }, async ({ pool, log }) => {
    const before = new Set(pids(pool));
    const end = await within(ask(pool, '/segfault'), 20_000, 'the end');
    assert.equal(end.error?.code, 'ERR_WORKER_DIED');
    await eventually(() => pool.stats().ready === 3, 'the pool to be whole again');
    assert.equal(pids(pool).filter((pid) => before.has(pid)).length, 1);
    assert.equal(log.lines.filter((line) => line.includes('given to another one')).length, 1);
  }));

test('exec_ttl kills the process group, fails the request and says so once', () =>
  withRig('sdk-json.php', { config: { supervisor: { exec_ttl: '300ms' } } }, async ({ pool, log }) => {
    const begun = performance.now();
    const end = await within(ask(pool, '/loop'), 20_000, 'the end');
    const took = performance.now() - begun;
    assert.equal(end.error?.code, 'ERR_WORKER_EXEC_TTL');
    assert.ok(took >= 299 && took < 5000, `${took} ms`);
    await eventually(() => pool.stats().ready === 2, 'the pool to be whole again');
    assert.equal(log.lines.filter((line) => line.includes('worker stopped, and will be restarted')).length, 1);
  }));

test('a stopped process (SIGSTOP) is overtime like any other', () =>
  withRig('sdk-json.php', { config: { supervisor: { exec_ttl: '300ms' } } }, async ({ pool }) => {
    const request = new TestRequest('/sleep?ms=100');
    pool.submit(request);
    const worker = await eventually(() => request.worker, 'the request to run');
    kill(worker.pid, 'SIGSTOP');
    assert.equal((await within(request.end, 20_000, 'the end')).error?.code, 'ERR_WORKER_EXEC_TTL');
    await eventually(() => !isAlive(worker.pid), 'its death');
  }));

test('a worker that asks to stop is retired and its request handed on', () =>
  withRig('sdk-json.php', { config: { num_workers: 1 } }, async ({ pool }) => {
    const directory = tempDir();
    const [before] = pids(pool);
    const end = await within(ask(pool, `/stop?file=${join(directory.path, 'stopped')}`), 20_000, 'the end');
    assert.equal(end.status, 200);
    assert.notEqual(pids(pool)[0], before);
    directory.remove();
  }));

test('all workers of a pool may ask to stop, one after the other, for the same request', () =>
  withRig('sdk-json.php', { config: { num_workers: 6 } }, async ({ pool }) => {
    const directory = tempDir();
    const end = await within(ask(pool, `/stop?times=11&file=${join(directory.path, 'stopped')}`), 30_000, 'the end');
    assert.equal(end.status, 200);
    directory.remove();
  }));

const MALFORMED = [
  ['misbehaving/bad-crc.php', 'ERR_WORKER_MALFORMED_REPLY'],
  ['misbehaving/wrong-version.php', 'ERR_WORKER_MALFORMED_REPLY'],
  ['misbehaving/huge-length.php', 'ERR_WORKER_MALFORMED_REPLY'],
  ['misbehaving/reply-without-option.php', 'ERR_WORKER_MALFORMED_REPLY'],
  ['misbehaving/head-longer-than-payload.php', 'ERR_WORKER_MALFORMED_REPLY'],
  ['misbehaving/head-not-json.php', 'ERR_WORKER_MALFORMED_REPLY'],
  ['misbehaving/exits-mid-frame.php', 'ERR_WORKER_DIED'],
  ['misbehaving/closes-stdout.php', 'ERR_WORKER_DIED'],
  ['misbehaving/stalls-mid-frame.php', 'ERR_WORKER_EXEC_TTL'],
] as const;

for (const [script, code] of MALFORMED) {
  test(`${script} costs its request (${code}) and is replaced, five times in a row`, () =>
    withRig(script, { config: { supervisor: { exec_ttl: '1s' } } }, async ({ pool }) => {
      const before = pids(pool);
      for (let round = 0; round < 5; round++) {
        const end = await within(ask(pool, '/pid', 'POST'), 20_000, 'the end');
        assert.equal(end.error?.code, code, end.error?.message);
      }
      await eventually(() => pool.stats().ready === 2, 'the pool to be whole again');
      assert.equal(pids(pool).filter((pid) => before.includes(pid)).length, 0);
    }));
}

test('the second answer of a worker that answers twice is not taken for that of the next request in the queue', () =>
  withRig('misbehaving/two-replies.php', { config: { num_workers: 1 } }, async ({ pool, log }) => {
    const ends = await Promise.all(Array.from({ length: 8 }, () => ask(pool, '/', 'POST')));
    assert.deepEqual(new Set(ends.map(({ text }) => text)), new Set(['first']));
    await log.line('broke the protocol: a second reply to one request');
  }));

test('text on STDOUT between frames is quoted in the log with the script, and harmless', () =>
  withRig('misbehaving/leaks-stdout.php', {}, async ({ pool, log }) => {
    for (let i = 0; i < 6; i++) assert.equal((await within(ask(pool, '/pid'), 20_000, 'the end')).status, 200);
    await within(log.line('leaks-stdout.php prints to STDOUT'), 20_000, 'the log line');
  }));

test('a worker that prints before it speaks boots', () =>
  withRig('misbehaving/prints-garbage.php', {}, async ({ pool }) => {
    assert.equal((await within(ask(pool, '/pid'), 20_000, 'the end')).error, undefined);
  }));

const BROKEN_BOOTS = [
  [
    'misbehaving/syntax-error.php',
    'ERR_WORKER_BOOT',
    /syntax-error\.php ended with code 255 before it was ready.*syntax error.*on line \d+/,
  ],
  [
    'misbehaving/boot-exits.php',
    'ERR_WORKER_BOOT',
    /boot-exits\.php ended with code \d+ before it was ready; it printed: .+/,
  ],
  ['misbehaving/boot-throws.php', 'ERR_WORKER_BOOT', /boot-throws\.php ended with code 255.*boot-throws\.php:\d+/],
  [
    'misbehaving/never-answers.php',
    'ERR_WORKER_BOOT_TIMEOUT',
    /never-answers\.php did not say that it is ready within 500 ms/,
  ],
  [
    'misbehaving/prints-10mb.php',
    'ERR_WORKER_BOOT_TIMEOUT',
    /prints-10mb\.php did not say that it is ready within 500 ms; it printed/,
  ],
  [
    'no-such-script.php',
    'ERR_WORKER_BOOT',
    /no-such-script\.php ended with code 1 before it was ready; it printed: Could not open input file/,
  ],
] as const;

for (const [script, code, message] of BROKEN_BOOTS) {
  test(`start with ${script} fails fast, says why, and leaves no process`, async () => {
    const starting = startRig(script, { config: { allocate_timeout: '500ms' } });
    await assert.rejects(within(starting, 20_000, 'the failure'), (error) => {
      assert.ok(isRrtsError(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(error.message.length < 12_000, `${error.message.length} characters`);
      return true;
    });
    assert.deepEqual(phpProcesses(`pool-${process.pid}`), []);
  });
}

test('the queue refuses over its limit at once and expires what waited too long', () =>
  withRig(
    'sdk-json.php',
    { config: { num_workers: 1, max_queue_size: 1, queue_timeout: '300ms' } },
    async ({ pool }) => {
      const running = ask(pool, '/sleep?ms=2000&id=a');
      const waiting = ask(pool, '/pid');
      const begun = performance.now();
      assert.equal((await ask(pool, '/pid')).error?.code, 'ERR_POOL_QUEUE_FULL');
      assert.ok(performance.now() - begun < 290, 'before the other one was given up');
      assert.equal((await waiting).error?.code, 'ERR_POOL_QUEUE_TIMEOUT');
      const waited = performance.now() - begun;
      assert.ok(waited >= 290 && waited < 2000, `${waited} ms`);
      assert.equal((await running).text, 'a');
    },
  ));

test('a request whose client leaves while it waits never reaches PHP; one that runs ends unseen', () =>
  withRig('sdk-json.php', { config: { num_workers: 1 } }, async ({ pool }) => {
    const running = new TestRequest('/sleep?ms=300');
    const waiting = new TestRequest('/pid');
    pool.submit(running);
    pool.submit(waiting);
    pool.cancel(waiting);
    pool.cancel(running);
    assert.equal((await within(ask(pool, '/pid'), 20_000, 'the next reply')).status, 200);
    assert.deepEqual([running.ends, running.parts, waiting.ends, waiting.parts], [0, 0, 0, 0]);
    assert.equal(pool.stats().workers[0]?.execs, 2);
  }));

test('a cancelled stream is stopped, and its worker serves on', () =>
  withRig('native/worker.php', { config: { num_workers: 1 } }, async ({ pool }) => {
    const directory = tempDir();
    const file = join(directory.path, 'notes');
    const [pid] = pids(pool);
    const request = new TestRequest(`/stream-endless?file=${file}`);
    pool.submit(request);
    await within(request.begun, 20_000, 'the first part');
    pool.cancel(request);
    const next = await within(ask(pool, '/pid'), 20_000, 'the next reply');
    assert.equal(Number(next.text), pid);
    assert.equal(readFileSync(file, 'utf8'), `begun ${pid}\nstopped\n`);
    directory.remove();
  }));

test('a reply nobody takes stops the reading of its worker until it is resumed', () =>
  withRig('native/worker.php', { config: { num_workers: 2 } }, async ({ pool }) => {
    const directory = tempDir();
    const request = new TestRequest(`/stream-endless?file=${join(directory.path, 'notes')}`);
    request.takesMore = false;
    pool.submit(request);
    await within(request.begun, 20_000, 'the first part');
    const { parts } = request;
    // The other worker takes 100 ms, in which twenty parts would have come.
    await ask(pool, '/sleep?ms=100');
    assert.ok(request.parts <= parts + 1, `${request.parts - parts} parts came while nobody took them`);
    request.takesMore = true;
    pool.resume(request);
    await eventually(() => request.parts > parts + 10, 'further parts');
    pool.cancel(request);
    await within(ask(pool, '/pid'), 20_000, 'the next reply');
    directory.remove();
  }));

test('a reply that ends while its client takes nothing leaves the worker readable for the next one', () =>
  withRig('native/worker.php', { config: { num_workers: 1 } }, async ({ pool }) => {
    // All ten parts come in one chunk, so that the last one is decoded after the pause.
    for (let round = 0; round < 20; round++) {
      const request = new TestRequest('/stream?chunks=10');
      request.takesMore = false;
      pool.submit(request);
      const end = await within(
        Promise.race([request.end, request.begun.then(() => drain(pool, request))]),
        5000,
        'the end',
      );
      assert.equal(end.status, 200);
      assert.equal((await within(ask(pool, '/pid'), 20_000, 'the next reply')).status, 200);
    }
  }));

/** Takes what is left of a reply. */
async function drain(pool: Pool, request: TestRequest): Promise<End> {
  while (request.ends === 0) {
    pool.resume(request);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return request.end;
}

test('max_jobs replaces workers without an error, and with 1 gives a process per request', async () => {
  await withRig('sdk-json.php', { config: { num_workers: 2, max_jobs: 1 } }, async ({ pool }) => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(pool, '/pid')));
    assert.equal(new Set(answers.map(({ text }) => text)).size, 12);
  });
  await withRig('sdk-json.php', { config: { num_workers: 4, max_jobs: 10 } }, async ({ pool, log }) => {
    let errors = 0;
    let fewest = 4;
    const served = new Set<string>();
    const client = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        const end = await ask(pool, '/pid');
        if (end.error !== undefined || end.status !== 200) errors++;
        served.add(end.text);
        const { ready, working } = pool.stats();
        fewest = Math.min(fewest, ready + working);
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    console.log(`# 800 requests, ${served.size} processes, never fewer than ${fewest} of 4 ready`);
    assert.equal(errors, 0);
    assert.equal(fewest, 4);
    assert.ok(served.size > 4);
    assert.ok(log.lines.some((line) => line.includes('"reason":"max_jobs"')));
  });
});

test('ttl and idle_ttl replace workers that do nothing, without a gap, and leave busy ones alone', async () => {
  for (const [limit, reason] of [
    [{ ttl: '300ms' }, 'ttl'],
    [{ idle_ttl: '300ms' }, 'idle_ttl'],
  ] as const) {
    await withRig('sdk-json.php', { config: { num_workers: 2, supervisor: limit } }, async ({ pool, log }) => {
      const before = pids(pool);
      let fewest = 2;
      const busy = ask(pool, '/sleep?ms=900&id=long');
      await ask(pool, '/pid');
      await eventually(() => {
        const { ready, working } = pool.stats();
        fewest = Math.min(fewest, ready + working);
        return pids(pool).filter((pid) => before.includes(pid)).length <= 1;
      }, 'a new process');
      assert.equal((await busy).text, 'long');
      assert.equal(fewest, 2);
      await within(log.line(`"reason":"${reason}"`), 20_000, 'the reason in the log');
    });
  }
});

test('idle_ttl does not touch a worker that has never served', () =>
  withRig('sdk-json.php', { config: { num_workers: 2, supervisor: { idle_ttl: '100ms' } } }, async ({ pool, log }) => {
    const before = pids(pool);
    // Longer than idle_ttl and a tick of the pool.
    await ask(pool, '/sleep?ms=400');
    const untouched = pool
      .stats()
      .workers.filter(({ execs }) => execs === 0)
      .map(({ pid }) => pid);
    assert.equal(untouched.length, 1);
    assert.ok(before.includes(untouched[0] as number), log.lines.join('\n'));
  }));

test('stop lets running and waiting requests finish, and refuses new ones', async () => {
  const { pool, mark } = await startRig('sdk-json.php', { config: { num_workers: 1 } });
  const running = ask(pool, '/sleep?ms=200&id=a');
  const waiting = ask(pool, '/sleep?ms=10&id=b');
  const stopped = pool.stop(5000);
  assert.equal((await ask(pool, '/pid')).error?.code, 'ERR_POOL_STOPPED');
  assert.equal((await running).text, 'a');
  assert.equal((await waiting).text, 'b');
  await within(stopped, 20_000, 'the stop');
  assert.deepEqual(phpProcesses(mark), []);
});

test('stop fails what is still running after its grace, and kills a worker that ignores SIGTERM', async () => {
  const { pool, mark } = await startRig('sdk-json.php', {});
  const hung = ask(pool, '/sleep?ms=60000');
  const begun = performance.now();
  await within(pool.stop(300), 20_000, 'the stop');
  assert.ok(performance.now() - begun < 15_000);
  assert.equal((await hung).error?.code, 'ERR_POOL_STOPPED');
  assert.deepEqual(phpProcesses(mark), []);
});

test('code that breaks later: the pool backs off, says why, stays up and recovers', async () => {
  const directory = tempDir();
  const script = join(directory.path, 'worker.php');
  const good = `<?php require ${JSON.stringify(fixture('sdk-json.php'))};`;
  writeFileSync(script, good);
  await withRig(script, { config: { queue_timeout: '300ms' } }, async ({ pool, log }) => {
    writeFileSync(script, '<?php $broken = ;');
    for (const pid of pids(pool)) kill(pid, 'SIGKILL');
    await within(log.line('syntax error'), 20_000, 'the reason in the log');
    const refused = await within(ask(pool, '/pid'), 20_000, 'the refusal');
    assert.equal(refused.error?.code, 'ERR_POOL_CRASH_LOOP');
    const tried = log.lines.filter((line) => line.includes('no worker:')).length;
    assert.ok(tried >= 1 && tried <= 12, `${tried} attempts`);
    writeFileSync(script, good);
    await eventually(() => pool.stats().ready === 2, 'the pool to recover', 20_000);
    assert.equal((await ask(pool, '/pid')).status, 200);
  });
  directory.remove();
});

// pool.debug with real PHP processes: one for each request, and errors that say what happened.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fixture } from '../helpers/paths.ts';
import { phpProcesses } from '../helpers/processes.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually, within } from '../helpers/wait-for.ts';
import { ask, type End, type Rig, type RigOptions, startRig, TestRequest } from './pool-rig.ts';

/** Runs `body` with a pool in debug mode and proves that no process is left afterwards. */
async function withDebugRig(script: string, options: RigOptions, body: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = await startRig(script, { ...options, config: { debug: true, ...options.config } });
  try {
    assert.deepEqual(phpProcesses(rig.mark), [], 'no worker at start');
    await body(rig);
  } finally {
    await within(rig.pool.stop(2000), 20_000, 'the stop of the pool');
    assert.deepEqual(phpProcesses(rig.mark), []);
  }
}

/** A script of the test's own, gone after it. */
function scriptOf(t: { after(fn: () => void): void }, code: string): { path: string; write(code: string): void } {
  const dir = makeTempDir('debug');
  t.after(() => dir.remove());
  const path = dir.file('app.php');
  const write = (text: string) => writeFileSync(path, `<?php\n${text}\n`);
  write(code);
  return { path, write };
}

function end(rig: Rig, target: string, method?: string): Promise<End> {
  return within(ask(rig.pool, target, method), 10_000, `the end of ${target}`);
}

describe('a process for each request', () => {
  for (const script of ['sdk-json.php', 'native/worker.php']) {
    test(`a new pid each time, and none stays: ${script}`, () =>
      withDebugRig(script, {}, async (rig) => {
        const pids = new Set<string>();
        for (let i = 0; i < 4; i++) pids.add((await end(rig, '/pid')).text);
        assert.equal(pids.size, 4);
        await eventually(() => rig.pool.stats().workers.length === 0, 'the last one to go');
      }));

    test(`20 requests at once: never more than num_workers processes, every pid once: ${script}`, () =>
      withDebugRig(script, { config: { num_workers: 3, max_jobs: 100, prefetch: 8 } }, async (rig) => {
        let most = 0;
        let done = false;
        const all = Promise.all(Array.from({ length: 20 }, () => end(rig, '/pid'))).finally(() => {
          done = true;
        });
        await eventually(
          () => {
            most = Math.max(most, phpProcesses(rig.mark).length);
            return done;
          },
          'the answers',
          20_000,
        );
        const ends = await all;
        assert.ok(ends.every(({ status }) => status === 200));
        assert.equal(new Set(ends.map(({ text }) => text)).size, 20);
        assert.ok(most >= 1 && most <= 3, `${most} processes`);
      }));
  }

  test('over a socket relay as well', (t) => {
    const dir = makeTempDir('debug');
    t.after(() => dir.remove());
    return withDebugRig('sdk-json.php', { relay: `unix://${dir.file('relay.sock')}` }, async (rig) => {
      const ends = await Promise.all(Array.from({ length: 6 }, () => end(rig, '/pid')));
      assert.equal(new Set(ends.map(({ text }) => text)).size, 6);
    });
  });

  test('the start says that this is for development', () =>
    withDebugRig('sdk-json.php', {}, async ({ log }) => {
      assert.ok(log.lines.some((line) => line.startsWith('warn pool.debug is for development: ')));
    }));

  test('code that changed runs with the next request', async (t) => {
    const app = scriptOf(t, '$answer = ;');
    await withDebugRig(app.path, {}, async (rig) => {
      assert.equal((await end(rig, '/pid')).error?.code, 'ERR_WORKER_BOOT');
      app.write(`require '${fixture('sdk-json.php')}';`);
      assert.equal((await end(rig, '/pid')).status, 200);
    });
  });

  test('who finds all workers busy waits, for queue_timeout at most', () =>
    withDebugRig('sdk-json.php', { config: { num_workers: 1, queue_timeout: '200ms' } }, async (rig) => {
      const slow = end(rig, '/sleep?ms=1500&id=slow');
      assert.equal((await end(rig, '/pid')).error?.code, 'ERR_POOL_QUEUE_TIMEOUT');
      assert.equal((await slow).text, 'slow');
    }));

  test('the answer does not wait for the end of its process', async (t) => {
    const app = scriptOf(
      t,
      `register_shutdown_function(fn () => usleep(500_000));\nrequire '${fixture('sdk-json.php')}';`,
    );
    await withDebugRig(app.path, { config: { num_workers: 1 } }, async (rig) => {
      const { text } = await end(rig, '/pid');
      assert.deepEqual(
        rig.pool.stats().workers.map(({ pid, state }) => [String(pid), state]),
        [[text, 'stopping']],
      );
      assert.equal((await end(rig, '/pid')).status, 200);
    });
  });

  test('a worker that asks to stop: the request goes to another one', (t) => {
    const dir = makeTempDir('debug');
    t.after(() => dir.remove());
    return withDebugRig('sdk-json.php', { config: { num_workers: 1 } }, async (rig) => {
      const { status, text } = await end(rig, `/stop?file=${dir.file('asked')}`);
      assert.equal(status, 200);
      assert.notEqual(text, readFileSync(dir.file('asked'), 'utf8'));
    });
  });

  test('a stream comes whole', () =>
    withDebugRig('sdk-json.php', {}, async (rig) => {
      const { status, error } = await end(rig, '/stream?chunks=5');
      assert.deepEqual([status, error], [200, undefined]);
    }));
});

describe('what the error says', () => {
  test('an exception: its text', () =>
    withDebugRig('sdk-json.php', {}, async (rig) => {
      const { error } = await end(rig, '/exception?text=it-went-wrong');
      assert.equal(error?.code, 'ERR_WORKER_ERROR');
      assert.match(error.message, /it-went-wrong/);
    }));

  for (const [script, told] of [
    ['misbehaving/syntax-error.php', /syntax-error\.php ended with code 255 [^;]*; it printed:\n[\s\S]*syntax error/],
    ['misbehaving/boot-throws.php', /boot-throws\.php ended with code 255 [^;]*; it printed:\n[\s\S]*is incomplete/],
  ] as const) {
    test(`${script}: how it ended and what it printed, each time without a back-off`, () =>
      withDebugRig(script, {}, async (rig) => {
        for (let i = 0; i < 3; i++) {
          const { error } = await end(rig, '/pid');
          assert.equal(error?.code, 'ERR_WORKER_BOOT');
          assert.match(error.message, told);
        }
        assert.equal(rig.pool.stats().bootFailures, 0);
        assert.ok(rig.log.lines.every((line) => !line.includes('retryInMs')));
      }));
  }

  test('garbage on STDOUT, then death: the garbage', async (t) => {
    const app = scriptOf(t, 'echo "Deprecated: old things\\nin line 3\\n"; exit(3);');
    await withDebugRig(app.path, {}, async (rig) => {
      const { error } = await end(rig, '/pid');
      assert.equal(error?.code, 'ERR_WORKER_BOOT');
      assert.match(error.message, /app\.php ended with code 3 [^;]*; it printed:\nDeprecated: old things\nin line 3$/);
    });
  });

  test('a worker that says nothing: the time it had', () =>
    withDebugRig('misbehaving/boot-slow.php', { config: { allocate_timeout: '300ms' } }, async (rig) => {
      const { error } = await end(rig, '/pid');
      assert.equal(error?.code, 'ERR_WORKER_BOOT_TIMEOUT');
      assert.match(error.message, /within 300 ms/);
    }));

  test('a crash: what it printed; a GET is not tried again', () =>
    withDebugRig('sdk-json.php', {}, async (rig) => {
      const request = new TestRequest('/memory');
      rig.pool.submit(request);
      const { error } = await within(request.end, 20_000, 'the end');
      assert.deepEqual([error?.code, request.attempt], ['ERR_WORKER_DIED', 1]);
      assert.match(error?.message ?? '', /ended with code 255; it printed:\n[\s\S]*Allowed memory size/);
    }));

  test('exec_ttl: the limit', () =>
    withDebugRig('sdk-json.php', { config: { supervisor: { exec_ttl: '300ms' } } }, async (rig) => {
      const { error } = await end(rig, '/loop');
      assert.equal(error?.code, 'ERR_WORKER_EXEC_TTL');
      assert.match(error.message, /300 ms/);
    }));
});

describe('the end', () => {
  test('a stop lets requests finish, those that wait for a process included', () =>
    withDebugRig('sdk-json.php', {}, async (rig) => {
      const all = Promise.all(Array.from({ length: 6 }, () => end(rig, '/pid')));
      await within(rig.pool.stop(10_000), 20_000, 'the stop');
      assert.deepEqual(new Set((await all).map(({ status }) => status)), new Set([200]));
    }));

  test('a stop without patience fails them all', () =>
    withDebugRig('misbehaving/boot-slow.php', { config: { num_workers: 2 } }, async (rig) => {
      const all = Promise.all(Array.from({ length: 5 }, () => end(rig, '/pid')));
      await eventually(() => rig.pool.stats().starting === 2, 'two that boot');
      await within(rig.pool.stop(0), 20_000, 'the stop');
      assert.deepEqual(new Set((await all).map(({ error }) => error?.code)), new Set(['ERR_POOL_STOPPED']));
    }));

  test('when the client leaves, the process that boots for it goes, and the next request gets its place', async (t) => {
    const app = scriptOf(t, 'sleep(60);');
    await withDebugRig(app.path, { config: { num_workers: 1 } }, async (rig) => {
      const request = new TestRequest('/pid');
      rig.pool.submit(request);
      await eventually(() => rig.pool.stats().starting === 1, 'one that boots');
      app.write(`require '${fixture('sdk-json.php')}';`);
      rig.pool.cancel(request);
      assert.equal((await end(rig, '/pid')).status, 200);
      assert.equal(request.ends, 0);
    });
  });
});

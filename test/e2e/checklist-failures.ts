// What a client sees, and what becomes of the worker, when PHP fails: for any kind of worker.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { mentions } from '../helpers/log-lines.ts';
import { ask } from '../helpers/request.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import type { WorkerKind } from './kinds.ts';
import { type SharedServer, sharedServer } from './server-of-kind.ts';

/** Declares the tests. */
export function checkFailures(kind: WorkerKind): void {
  describe(`6.1 failures, ${kind.name}`, () => {
    const shared = sharedServer(kind);
    errorChecks(shared);
    // A crash is the server's fault towards the client, so rrts deliberately answers 502 where RoadRunner answers 500.
    crashChecks(shared, 502);
    noiseChecks(shared);
    stopChecks(shared);
  });
  describe(`6.1 failures with error_codes: roadrunner, ${kind.name}`, () => {
    const config = { http: { error_codes: 'roadrunner', internal_error_code: 555 } };
    crashChecks(sharedServer(kind, config), 555);
  });
}

function errorChecks(shared: SharedServer): void {
  for (const [what, path] of [
    ['an error frame', '/error-frame?text=it-went-wrong'],
    ['an uncaught exception', '/exception?text=it-went-wrong'],
  ] as const) {
    test(`${what}: 500 without its text, the text is in the log, the worker survives`, async (t) => {
      if (shared.missing(t)) return;
      const before = pids(shared);
      const answer = await ask(shared.server, path);
      assert.equal(answer.status, 500);
      assert.doesNotMatch(answer.text, /it-went-wrong|RuntimeException|scenarios\.php/);
      await shared.server.waitForLog(mentions(/it-went-wrong/), 'with the text of the error');
      assert.deepEqual(pids(shared), before);
    });
  }

  test('100 exceptions: 100 times 500, the same workers', async (t) => {
    if (shared.missing(t)) return;
    const before = pids(shared);
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(shared.server, '/exception')));
    assert.ok(answers.every((answer) => answer.status === 500));
    assert.deepEqual(pids(shared), before);
  });
}

function crashChecks(shared: SharedServer, status: number): void {
  for (const [what, path] of [
    ['exit(0)', '/exit?code=0'],
    ['exit(1)', '/exit?code=1'],
    ['die() with output', '/die?text=last-words'],
    ['a memory bomb', '/memory'],
    ['SIGSEGV', '/segfault'],
    ['SIGABRT', '/segfault?signal=6'],
  ] as const) {
    for (const method of ['GET', 'POST']) {
      test(`${what} in a ${method}: ${status}, nothing of it in the page, the workers are replaced`, async (t) => {
        if (shared.missing(t)) return;
        const answer = await ask(shared.server, path, { method, body: method === 'POST' ? 'x' : '' });
        assert.equal(answer.status, status);
        assert.doesNotMatch(answer.text, /last-words|Fatal|memory|scenarios\.php/i);
        assert.equal((await ask(shared.server, '/pid')).status, 200, 'the next request is served');
        await eventually(() => pids(shared).length === 2, 'two workers again');
      });
    }
  }

  for (const [method, times] of [
    ['POST', 1],
    ['GET', 2],
    ['PUT', 2],
  ] as const) {
    test(`a poison ${method} kills ${times} worker(s), then it is not tried again`, async (t) => {
      if (shared.missing(t)) return;
      const dir = makeTempDir('poison');
      t.after(() => dir.remove());
      const file = dir.file('executions');
      const body = method === 'GET' ? '' : 'x';
      const answer = await ask(shared.server, `/exit?file=${encodeURIComponent(file)}`, { method, body });
      assert.equal(answer.status, status);
      const executed = new Set(readFileSync(file, 'utf8').trimEnd().split('\n'));
      assert.equal(executed.size, times, [...executed].join(' '));
    });
  }
}

function noiseChecks(shared: SharedServer): void {
  test('10 MB of echo in a request do not touch the response', async (t) => {
    if (shared.missing(t)) return;
    const answer = await ask(shared.server, `/noise?to=echo&bytes=${10 << 20}`);
    assert.deepEqual([answer.status, answer.text], [200, 'after the noise']);
  });

  test('10 MB on stderr in a request do not touch the response, and show in the log', async (t) => {
    if (shared.missing(t)) return;
    const answer = await ask(shared.server, `/noise?to=stderr&text=loud-and-clear&bytes=${10 << 20}`);
    assert.deepEqual([answer.status, answer.text], [200, 'after the noise']);
    await shared.server.waitForLog(mentions(/loud-and-clear/), 'with the noise');
  });
}

function stopChecks(shared: SharedServer): void {
  test('6.4 a worker that asks to stop is retired, and the request goes to another one', async (t) => {
    if (shared.missing(t)) return;
    const dir = makeTempDir('stop');
    t.after(() => dir.remove());
    const file = dir.file('asked');
    const answer = await ask(shared.server, `/stop?file=${encodeURIComponent(file)}`, { method: 'POST', body: 'kept' });
    const asked = readFileSync(file, 'utf8');
    assert.equal(answer.status, 200);
    assert.notEqual(answer.text, asked, 'another worker answered');
    await eventually(() => !pids(shared).includes(Number(asked)) && pids(shared).length === 2, 'it is replaced');
  });
}

function pids(shared: SharedServer): number[] {
  return shared.server
    .workers()
    .map((entry) => entry.pid)
    .sort();
}

// RoadRunner's checklist for pool.debug (6.1): the text of errors in the page, a process per request, explained boots.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { mentions } from '../helpers/log-lines.ts';
import { fixture } from '../helpers/paths.ts';
import { ask } from '../helpers/request.ts';
import { type ServerProcess, startServer } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { NATIVE, SDK_JSON } from './kinds.ts';
import { mergeTop, type SharedServer, sharedServer } from './server-of-kind.ts';

const DEBUG = { http: { pool: { num_workers: 2, allocate_timeout: '10s', debug: true } } };
const BROWSER = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

for (const kind of [NATIVE, SDK_JSON]) {
  describe(`6.1 pool.debug, ${kind.name}`, () => {
    const shared = sharedServer(kind, mergeTop(kind.config, DEBUG));
    processChecks(shared);
    errorChecks(shared);
  });
  describe(`6.1 pool.debug and exec_ttl, ${kind.name}`, () => {
    const pool = { ...DEBUG.http.pool, supervisor: { exec_ttl: '300ms' } };
    const shared = sharedServer(kind, mergeTop(kind.config, { http: { pool } }));
    test('a request that runs too long: 504 with the limit', async (t) => {
      if (shared.missing(t)) return;
      const answer = await ask(shared.server, '/loop');
      assert.equal(answer.status, 504);
      assert.match(answer.text, /exec_ttl \(300 ms\)/);
    });
  });
}

function processChecks(shared: SharedServer): void {
  test('ready without a worker, and the log says that this is for development', async (t) => {
    if (shared.missing(t)) return;
    assert.deepEqual(shared.server.workers(), []);
    await shared.server.waitForLog(mentions(/pool\.debug is for development/), 'with the warning');
  });

  test('a new pid for each request, also in parallel; none stays', async (t) => {
    if (shared.missing(t)) return;
    const pids = new Set<string>();
    for (let i = 0; i < 3; i++) pids.add((await ask(shared.server, '/pid')).text);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(shared.server, '/pid')));
    for (const { status, text } of answers) {
      assert.equal(status, 200);
      pids.add(text);
    }
    assert.equal(pids.size, 23);
    await eventually(() => shared.server.workers().length === 0, 'all to go');
  });

  test('the body of a POST arrives', async (t) => {
    if (shared.missing(t)) return;
    const answer = await ask(shared.server, '/echo-body', { method: 'POST', body: 'kept' });
    assert.deepEqual([answer.status, answer.text], [200, 'kept']);
  });
}

function errorChecks(shared: SharedServer): void {
  test('an uncaught exception: 500, its text in the body', async (t) => {
    if (shared.missing(t)) return;
    const answer = await ask(shared.server, '/exception?text=it-went-wrong');
    assert.equal(answer.status, 500);
    assert.match(answer.text, /it-went-wrong/);
    assert.match(String(answer.headers['content-type']), /^text\/plain/);
  });

  test('an uncaught exception in a browser: escaped HTML', async (t) => {
    if (shared.missing(t)) return;
    const answer = await ask(shared.server, `/exception?text=${encodeURIComponent('<script>"bad"')}`, BROWSER);
    assert.equal(answer.status, 500);
    assert.match(answer.text, /&lt;script&gt;&quot;bad&quot;/);
    assert.doesNotMatch(answer.text, /<script>/);
    assert.match(String(answer.headers['content-type']), /^text\/html/);
  });

  test('an error frame: 500, its text in the body', async (t) => {
    if (shared.missing(t)) return;
    const answer = await ask(shared.server, '/error-frame?text=framed');
    assert.equal(answer.status, 500);
    assert.match(answer.text, /framed/);
  });

  test('a crash: 502 with how it ended and what it printed', async (t) => {
    if (shared.missing(t)) return;
    const answer = await ask(shared.server, '/memory');
    assert.equal(answer.status, 502);
    assert.match(answer.text, /ended with code 255; it printed:\n[\s\S]*Allowed memory size/);
  });
}

describe('6.1 pool.debug, boots that fail (bug 1843)', () => {
  /** Starts a server whose script is to be written by the test, which it runs. */
  async function withScript(
    t: { after(fn: () => unknown): void },
    body: (server: ServerProcess, write: (code: string) => void) => Promise<void>,
  ): Promise<void> {
    const dir = makeTempDir('debug');
    t.after(() => dir.remove());
    const file = dir.file('app.php');
    const server = await startServer({ command: ['php', file], config: DEBUG });
    t.after(() => server.discard());
    await body(server, (code) => writeFileSync(file, `<?php\n${code}\n`));
    await server.stop();
  }

  test('a command that does not exist: the server starts, the request gets 500 with its name', async (t) => {
    const server = await startServer({ command: ['/no/such/php', 'app.php'], config: DEBUG });
    t.after(() => server.discard());
    const answer = await ask(server, '/pid');
    assert.equal(answer.status, 500);
    assert.match(answer.text, /no\/such\/php/);
    await server.stop();
  });

  for (const [what, code, told] of [
    ['a syntax error', '$answer = ;', /app\.php ended with code 255 [\s\S]*syntax error/],
    ['an uncaught start-up exception', "throw new Exception('no <b> database');", /code 255 [\s\S]*no <b> database/],
    ['garbage on STDOUT', "echo 'Deprecated: old'; exit(1);", /app\.php ended with code 1 [\s\S]*Deprecated: old/],
    ['a script that is done at once', '', /app\.php ended with code 0 before it was ready; it printed nothing/],
  ] as const) {
    test(`${what}: the server starts, the request gets 500 with the explanation, and 200 as soon as it is mended`, (t) =>
      withScript(t, async (server, write) => {
        write(code);
        const answer = await ask(server, '/pid');
        assert.equal(answer.status, 500);
        assert.match(answer.text, told);
        const page = await ask(server, '/pid', BROWSER);
        assert.match(String(page.headers['content-type']), /^text\/html/);
        assert.doesNotMatch(page.text, /<b>/);
        write(`require '${fixture('sdk-json.php')}';`);
        assert.equal((await ask(server, '/pid')).status, 200);
      }));
  }
});

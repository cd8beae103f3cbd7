// P08: whatever workers print, throw and die with, the log stays one JSON object per line, of at most 8 KiB.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NATIVE, SDK_JSON } from '../../e2e/kinds.ts';
import type { LogRecord } from '../../helpers/log-lines.ts';
import { ask } from '../../helpers/request.ts';
import { pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { startStandard } from '../rig/standard-app.ts';

const MAX_LINE_BYTES = 8 * 1024;
const ROUNDS = pick(1, 20);
const MEGABYTE = 1024 * 1024;

/** What a worker prints. */
const TEXTS: Readonly<Record<string, string>> = {
  newlines: 'first\nsecond\r\nthird\n\n\nlast',
  'a forged line': 'x\n{"level":"error","ts":1,"logger":"rrts","msg":"forged"}\n',
  'a closed string': 'x","msg":"forged","level":"error\\',
  ansi: '\x1b[2J\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m \b\b\b\x7f',
  'line ends of Unicode': 'a\u2028b\u2029c\x85d',
  nul: 'a\0b\0',
  'a megabyte in one line': 'm'.repeat(MEGABYTE),
  'a megabyte of NUL': '\0'.repeat(MEGABYTE),
  'a megabyte of quotes': '"'.repeat(MEGABYTE),
  'a megabyte of faces': '😀'.repeat(MEGABYTE / 4),
  'many long lines': `${'\x1b'.repeat(9_000)}\n`.repeat(30),
};

/** What it does then, and what the client sees: a native worker and RoadRunner's differ in nothing here. */
const ENDS: Readonly<Record<string, readonly number[]>> = {
  '': [200],
  exception: [500, 502],
  'error-frame': [500],
  die: [502],
};

/** @returns the bytes of the line. */
function expectOneObject({ text, stream }: LogRecord): number {
  const bytes = Buffer.byteLength(text) + 1;
  assert.ok(bytes <= MAX_LINE_BYTES, `a line of ${bytes} bytes: ${text.slice(0, 200)}`);
  assert.equal(stream, 'stderr', text.slice(0, 200));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(text, /[\x00-\x1f\x7f-\x9f\u2028\u2029]/, text.slice(0, 200));
  const facts = JSON.parse(text) as Record<string, unknown>;
  assert.deepEqual(Object.keys(facts).slice(0, 3), ['level', 'ts', 'logger'], text.slice(0, 200));
  assert.notEqual(facts['msg'], 'forged');
  return bytes;
}

describe('P08 log lines from workers', { concurrency: 2 }, () => {
  for (const kind of [NATIVE, SDK_JSON]) {
    test(`P08 one JSON line each: ${kind.name}`, async (t) => {
      const app = await startStandard(t, { kind, config: { http: { pool: { num_workers: 2 } } } });
      if (app === undefined) return;
      let requests = 0;
      for (let round = 0; round < ROUNDS; round++) {
        for (const [name, body] of Object.entries(TEXTS)) {
          for (const [then, statuses] of Object.entries(ENDS)) {
            for (const to of ['echo', 'stderr']) {
              const answer = await ask(app, `/print?to=${to}&then=${then}`, { method: 'POST', body });
              requests++;
              assert.ok(statuses.includes(answer.status), `${name}, ${then}: ${answer.status} ${answer.text}`);
            }
          }
        }
        // What the client says is in the line about its failure.
        assert.equal((await ask(app, `/exception?text=a&${'%0a%1b'.repeat(1_200)}`)).status, 500);
      }
      assert.equal((await ask(app, '/print', { method: 'POST', body: 'the very last line\n' })).status, 200);
      await app.server.waitForLog(({ facts }) => facts['msg'] === 'the very last line', 'of the end');
      const longest = Math.max(...app.server.logs.records.map(expectOneObject));
      const lines = app.server.logs.records.length;
      report(t, { kind: kind.name, requests, lines, longest }, { requests: 88 * ROUNDS, lines: 100, longest: 7_000 });
      await app.server.stop();
    });
  }
});

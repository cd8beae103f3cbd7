// Workers that break the protocol cost their own request and nothing else.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type LogRecord, mentions } from '../helpers/log-lines.ts';
import { fixture } from '../helpers/paths.ts';
import { ask } from '../helpers/request.ts';
import { startServer } from '../helpers/start-server.ts';
import { eventually } from '../helpers/wait-for.ts';

/** Script, status of a POST, and what the log must tell of it. */
const CASES: readonly (readonly [string, number, RegExp])[] = [
  ['wrong-version', 502, /version/i],
  ['bad-crc', 502, /crc|checksum/i],
  ['huge-length', 502, /4294967295|length|large|limit/i],
  ['head-longer-than-payload', 502, /head|option/i],
  ['head-not-json', 502, /head|json/i],
  ['reply-without-option', 502, /option|head/i],
  ['exits-mid-frame', 502, /exit|ended|died/i],
  ['closes-stdout', 502, /ended/i],
  ['stalls-mid-frame', 504, /exec_ttl/],
];

describe('malformed replies', { concurrency: 2 }, () => {
  for (const [script, status, logged] of CASES) {
    test(`${script}: ${status}, the worker is replaced, the log tells why and names the script`, async (t) => {
      const command = ['php', fixture(`misbehaving/${script}.php`)];
      const pool = { num_workers: 1, supervisor: { exec_ttl: '1s' } };
      const server = await startServer({ command, config: { http: { pool } } });
      t.after(() => server.discard());
      for (let round = 0; round < 2; round++) {
        const [before] = server.workers();
        const answer = await ask(server, '/', { method: 'POST', body: 'x' });
        assert.equal(answer.status, status, server.logs.tail());
        const isReplaced = () => server.workers().length === 1 && server.workers()[0]?.pid !== before?.pid;
        await eventually(isReplaced, 'another worker');
      }
      const record = await server.waitForLog(
        (line) => mentions(logged)(line) && isProblem(line.facts['level']),
        `${logged}`,
      );
      assert.ok(mentions(new RegExp(`${script}\\.php`))(record), `names the script: ${record.text}`);
      await server.stop();
    });
  }

  test('leaks-stdout: a line between the frames is quoted once, with the script, and costs nothing', async (t) => {
    const command = ['php', fixture('misbehaving/leaks-stdout.php')];
    const server = await startServer({ command, config: { http: { pool: { num_workers: 1 } } } });
    t.after(() => server.discard());
    const [worker] = server.workers();
    for (let round = 0; round < 10; round++) {
      const answer = await ask(server, '/', { method: 'POST', body: 'x' });
      assert.deepEqual([answer.status, answer.text], [200, 'after the leak']);
    }
    assert.equal(server.workers()[0]?.pid, worker?.pid);
    const quoted = (line: LogRecord) => mentions(/leaks-stdout\.php/)(line) && mentions(/Undefined variable/)(line);
    await server.waitForLog(quoted, 'that quotes the line');
    assert.equal(server.logs.all(quoted).length, 1);
    await server.stop();
  });

  test('a worker that answers twice: the second answer never reaches another client', async (t) => {
    const command = ['php', fixture('misbehaving/two-replies.php')];
    const server = await startServer({ command, config: { http: { pool: { num_workers: 1 } } } });
    t.after(() => server.discard());
    const answers: string[] = [];
    for (let round = 0; round < 10; round++) {
      const answer = await ask(server, '/', { method: 'POST', body: 'x' });
      answers.push(`${answer.status} ${answer.text}`);
    }
    assert.ok(!answers.includes('200 second'), answers.join(', '));
    await server.stop();
  });
});

/** pino writes levels as numbers or words. */
function isProblem(level: unknown): boolean {
  return ['warn', 'error', 40, 50].includes(typeof level === 'string' ? level.toLowerCase() : (level as number));
}

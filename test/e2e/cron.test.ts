// The section `cron` in a whole server: jobs, requests and programs come in time; nothing is left; several servers share the work.

import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { stringify } from 'yaml';
import { runFor } from '../cli/run-cli.ts';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { fixture } from '../helpers/paths.ts';
import { killMarked, processesMarked } from '../helpers/processes.ts';
import { startRedis } from '../helpers/redis.ts';
import { baseConfig, type ConfigTree, type ServerProcess, startServer } from '../helpers/start-server.ts';
import { makeTempDir, type TempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';

const command = ['php', fixture('sdk-json.php')];
const SECOND = 1000;
/** What must come, on a machine that is busy too. */
const LATEST_MS = 60_000;

function tempDir(t: TestContext): TempDir {
  const dir = makeTempDir('cron');
  t.after(() => dir.remove());
  return dir;
}

async function start(t: TestContext, config: ConfigTree, more: object = {}): Promise<ServerProcess> {
  const server = await startServer({ command, config, ...more });
  t.after(() => server.discard());
  return server;
}

/** A script that notes when its runs begin and end, and for which time. A file, because `$` means something in a configuration. */
function noting(dir: TempDir, name: string, seconds = '0'): { words: string[]; lines: () => string[][] } {
  const [script, notes] = [dir.file(`${name}.sh`), dir.file(`${name}.txt`)];
  const note = (what: string): string => `echo "${what} $RRTS_CRON_TIME $(date +%s.%N) ${name}" >> ${notes}`;
  writeFileSync(script, `${note('begin')}\nsleep ${seconds}\n${note('end')}\n`);
  appendFileSync(notes, '');
  const lines = (): string[][] =>
    readFileSync(notes, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' '));
  return { words: ['sh', script], lines };
}

const begun = (lines: readonly string[][]): string[] =>
  lines.filter(([what]) => what === 'begin').map(([, at = '']) => at);

// They wait for seconds to pass more than they work.
describe('cron', { concurrency: 2 }, () => {
  test('requests and programs come at their times; they are shown, counted, run by hand and reloaded', async (t) => {
    const dir = tempDir(t);
    const { words, lines } = noting(dir, 'tick');
    const metrics = `127.0.0.1:${await freePort()}`;
    const entries = {
      tick: { schedule: '* * * * * *', command: words, overlap: 'allow' },
      page: { schedule: '* * * * * *', route: { method: 'GET', path: `/log?file=${dir.file('log')}&line=once` } },
      bad: { schedule: '@yearly', route: { path: '/status?code=418' } },
      slow: { schedule: '@yearly', command: 'sleep 611', timeout: '300ms' },
    };
    const server = await start(t, { cron: entries, metrics: { address: metrics } });
    await eventually(() => begun(lines()).length >= 3 && existsSync(dir.file('log')), 'three runs', LATEST_MS);
    for (const [what, at = '', clock] of lines()) {
      assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
      if (what === 'begin') assert.ok(Number(clock) * SECOND >= Date.parse(at), `${at} began at ${clock}`);
    }
    const times = begun(lines()).map((at) => Date.parse(at));
    assert.equal(new Set(times).size, times.length, 'each one once');

    const byHand = await runFor(t, server, ['cron', 'run', 'tick']);
    assert.deepEqual([byHand.code, byHand.stderr], [0, '']);
    assert.match(byHand.stdout, /^tick: done in \d+/);
    const bad = await runFor(t, server, ['cron', 'run', 'bad']);
    assert.deepEqual(
      [bad.code, bad.stderr],
      [69, 'rrts: cron bad failed: POST /status?code=418 answered 418: "status"\n'],
    );
    const slow = await runFor(t, server, ['cron', 'run', 'slow']);
    assert.match(
      slow.stderr,
      /^rrts: cron slow failed: it ran longer than its timeout \(300ms\): it ended by SIGINT\n$/,
    );
    const nobody = await runFor(t, server, ['cron', 'run', 'nobody']);
    assert.deepEqual(
      [nobody.code, nobody.stderr],
      [69, 'rrts: no such cron entry: nobody; there are tick, page, bad, slow\n'],
    );

    const table = await runFor(t, server, ['cron']);
    assert.match(table.stdout, /^ NAME +SCHEDULE +NEXT +IN +LAST +RESULT +TOOK +DOES\n tick /);
    assert.match(table.stdout, /\nbad failed: POST \/status\?code=418 answered 418: "status"\n/);
    const [first] = JSON.parse((await runFor(t, server, ['cron', '--json'])).stdout);
    assert.deepEqual([first.name, first.result, first.missed], ['tick', 'done', 0]);
    const health = await fetch(`http://127.0.0.1:${server.statusPort}/health?plugin=cron`);
    assert.equal(health.status, 200);
    const text = await (await fetch(`http://${metrics}/metrics`)).text();
    assert.match(text, /^rrts_cron_runs_total\{name="tick",result="done"\} [1-9]\d*$/m);
    assert.match(text, /^rrts_cron_runs_total\{name="bad",result="failed"\} 1$/m);
    assert.match(text, /^rrts_cron_last_run_seconds\{name="page"\} \d+/m);

    const changed = { ...baseConfig(server.port, server.statusPort, command), metrics: { address: metrics } };
    const cron = { added: { schedule: '* * * * * *', command: words } };
    writeFileSync(server.dir.file('app.yaml'), stringify({ ...changed, cron }));
    server.child.kill('SIGHUP');
    await server.waitForLog(mentions(/cron added: done/), 'a run of the entry that was added', LATEST_MS);
    assert.equal((await runFor(t, server, ['cron', 'run', 'tick'])).code, 69);
    const { stdout } = await runFor(t, server, ['config', 'print']);
    assert.match(stdout, /added:\n +schedule: "?\* \* \* \* \* \*"?\n/);
    await server.stop();
    t.diagnostic(`${lines().length} notes`);
  });

  test('a job each second, each run once; without overlap no second one waits', async (t) => {
    const dir = tempDir(t);
    writeFileSync(dir.file('ran.txt'), '');
    const server = await start(
      t,
      {
        http: null,
        jobs: { consume: ['mail'], pipelines: { mail: { driver: 'memory' }, idle: { driver: 'memory' } } },
        cron: {
          each: { schedule: '* * * * * *', job: { pipeline: 'mail', name: 'work', payload: 'x' }, overlap: 'allow' },
          waits: { schedule: '* * * * * *', job: { pipeline: 'idle', name: 'work' } },
        },
      },
      { command: ['php', fixture('native/jobs.php')], environment: { RRTS_TEST_RAN: dir.file('ran.txt') } },
    );
    const ends = (): string[] =>
      readFileSync(dir.file('ran.txt'), 'utf8')
        .split('\n')
        .filter((line) => /^end/.test(line));
    await eventually(() => ends().length >= 3, 'three jobs', LATEST_MS).catch((error) => {
      throw new Error(`${error}\n${server.logs.tail()}`);
    });
    await server.waitForLog(
      mentions(/cron waits is skipped: the job of an earlier run waits or runs still/),
      'a skip',
      LATEST_MS,
    );
    const [each, waits] = JSON.parse((await runFor(t, server, ['cron', '--json'])).stdout);
    assert.deepEqual([each.result, waits.result], ['done', 'skipped']);
    const { pipelines } = JSON.parse((await runFor(t, server, ['jobs', '--json'])).stdout);
    const idle = pipelines.find((one: { pipeline: string }) => one.pipeline === 'idle');
    assert.deepEqual([idle.waiting, idle.done], [1, 0]);
    assert.equal(new Set(ends()).size, ends().length);
    await server.stop();
  });

  test('a stop and a kill leave no program behind; what a kill made the server miss is known after it', async (t) => {
    const dir = tempDir(t);
    const deaf = dir.file('deaf.sh');
    writeFileSync(deaf, 'trap "" INT\nsleep 612 &\nwhile :; do sleep 0.05; done\n');
    const config = {
      http: null,
      endure: { grace_period: '2s' },
      cron: {
        deaf: { schedule: '* * * * * *', command: ['sh', deaf] },
        once: { schedule: '* * * * * *', command: 'true', missed: 'run_once' },
      },
    };
    const first = await start(t, config, { cwd: dir.path });
    const sleeping = (server: ServerProcess): number =>
      processesMarked(server.mark).filter((one) => one.command === 'sleep 612').length;
    await eventually(
      () => sleeping(first) === 1 && existsSync(dir.file('var/cron/once.json')),
      'the program',
      LATEST_MS,
    );
    first.child.kill('SIGKILL');
    await first.ended;
    const shells = (server: ServerProcess): number =>
      processesMarked(server.mark).filter((one) => one.command.startsWith('sh ')).length;
    await eventually(() => shells(first) === 0, 'the end of the program', LATEST_MS);
    killMarked(first.mark); // what it had started itself outlives a server that is killed
    const { last } = JSON.parse(readFileSync(dir.file('var/cron/once.json'), 'utf8'));
    await eventually(() => Date.now() > Date.parse(last) + 3 * SECOND, 'time for two occurrences', LATEST_MS);
    const second = await start(t, config, { cwd: dir.path });
    await second.waitForLog(mentions(/cron once missed (an|\d+) occurrence/), 'what was missed', LATEST_MS);
    await eventually(() => sleeping(second) === 1, 'the program', LATEST_MS);
    await second.stop();
  });

  test('servers that share locks in Redis run each occurrence once, also when one of them is killed', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const dir = tempDir(t);
    const [each, slow] = [noting(dir, 'each'), noting(dir, 'slow', '1.3')];
    const config = {
      http: null,
      lock: { driver: 'redis', redis: { addrs: [redis.address] } },
      cron: {
        each: { schedule: '* * * * * *', command: each.words, overlap: 'allow' },
        slow: { schedule: '* * * * * *', command: slow.words },
        own: { schedule: '* * * * * *', command: 'true', overlap: 'allow', lock: false },
      },
    };
    const servers = await Promise.all([start(t, config), start(t, config)]);
    const from = Date.now();
    const count = (server: ServerProcess, pattern: RegExp): number => server.logs.all(mentions(pattern)).length;
    await eventually(
      () => begun(each.lines()).filter((at) => Date.parse(at) > from).length >= 6,
      'six runs',
      LATEST_MS,
    );
    const [one, two] = servers as [ServerProcess, ServerProcess];
    const left = (): number[] => servers.map((server) => count(server, /another server has this occurrence/));
    await eventually(() => left().reduce((sum, number) => sum + number) >= 6, 'six left to the other', LATEST_MS);
    const own = (server: ServerProcess): number => count(server, /cron own: done/);
    await eventually(() => own(one) > 3 && own(two) > 3, 'runs without the lock on both', LATEST_MS);
    await eventually(() => begun(slow.lines()).length >= 2, 'two slow runs', LATEST_MS);
    one.child.kill('SIGKILL');
    await one.ended;
    const killed = slow.lines().length;
    const before = begun(each.lines()).length;
    await eventually(() => begun(each.lines()).length >= before + 3, 'three runs on the other server', LATEST_MS);

    const times = begun(each.lines());
    assert.equal(new Set(times).size, times.length, 'no occurrence ran twice');
    const seconds = times
      .map((at) => Date.parse(at) / SECOND)
      .filter((at) => at * SECOND > from)
      .sort((a, b) => a - b);
    const missing = (seconds.at(-1) ?? 0) - (seconds[0] ?? 0) + 1 - seconds.length;
    // What the one that stayed left to the other, and that one did not end.
    const died = Math.max(1, count(two, /cron each: another server has/) - count(one, /cron each: done/));
    const told = servers.map((server) => count(server, /cron each missed/));
    const text = `${missing} occurrences ran nowhere; ${died} may have died with their server, and servers that were too busy tell it: ${told}`;
    assert.ok(missing <= died || told.some((number) => number > 0), text);

    let running = 0;
    for (const [index, [what]] of slow.lines().entries()) {
      // The run that died with its server has no end.
      if (index === killed) running = 0;
      running += what === 'begin' ? 1 : -1;
      assert.ok(running <= 1, 'overlap across servers');
    }
    await two.stop();
    t.diagnostic(`${times.length} occurrences on two servers, left to the other ${left()}, ran nowhere ${missing}`);
  });

  test('Redis with the locks goes away: occurrences of that time run late, once, or say why not', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const { words, lines } = noting(tempDir(t), 'each');
    const server = await start(t, {
      http: null,
      lock: { driver: 'redis', redis: { addrs: [redis.address] } },
      cron: { each: { schedule: '* * * * * *', command: words, overlap: 'allow' } },
    });
    await eventually(() => begun(lines()).length >= 2, 'two runs', LATEST_MS);
    await redis.stop();
    await server.waitForLog(
      mentions(/the lock cron:each:\S+ is asked for again: /),
      'that the locks are away',
      LATEST_MS,
    );
    const away = begun(lines()).length;
    const asked = server.logs.all(mentions(/lock/)).length;
    await redis.restart();
    await eventually(() => begun(lines()).length >= away + 3, 'runs again', LATEST_MS);
    const times = begun(lines());
    assert.equal(new Set(times).size, times.length, 'no occurrence ran twice');
    assert.equal(server.logs.all(mentions(/cron each failed/)).length, 0, server.logs.tail());
    await server.stop();
    t.diagnostic(`${times.length} occurrences, ${asked} lines about locks while Redis was away`);
  });
});

// Workers that do not boot: at the start the server ends and says why, later it backs off, stays up and recovers.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { SDK_JSON } from '../../e2e/kinds.ts';
import { mentions } from '../../helpers/log-lines.ts';
import { fixture } from '../../helpers/paths.ts';
import { isAlive, kill } from '../../helpers/processes.ts';
import { ask } from '../../helpers/request.ts';
import { spawnServer, statusOf } from '../../helpers/start-server.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { startStandard, WORKERS } from '../rig/standard-app.ts';

const BROKEN_MS = pick(6_000, 60_000);
const BOOT_TIMEOUT_S = pick(2, 5);
/** Longest back-off, src/pool/back-off.ts, and a boot. */
const RECOVERY_MS = 40_000;

describe('workers that do not boot', { concurrency: 3 }, () => {
  test('R09 a syntax error at the start: the server ends, with file and line, after few attempts', async (t) => {
    const server = await spawnServer({
      command: ['php', fixture('misbehaving/syntax-error.php')],
      config: { http: { pool: { num_workers: WORKERS } }, logs: { level: 'debug' } },
    });
    t.after(() => server.discard());
    await server.waitForLog(() => true, 'at all', 20_000);
    const begin = performance.now();
    const ending = await server.waitForEnd(30_000);
    const ms = performance.now() - begin;
    const pids = server.logs.all(mentions(/syntax error/)).map(({ facts }) => facts['pid']);
    const attempts = new Set(pids.filter((pid) => pid !== undefined)).size;
    report(t, { ms, attempts, exitCode: String(ending.code) }, { attempts: 1 });
    assert.equal(ending.code, 69, server.logs.tail());
    assert.match(server.logs.text(), /syntax-error\.php(:| on line )4/);
    assert.doesNotMatch(server.logs.text(), /\n\s+at .*\.(js|ts):\d+/);
    atMost(attempts, WORKERS + 1, 'attempts');
    atMost(ms, 3000, 'milliseconds from the first word to the end');
  });

  test('R10 the code breaks while it serves: back-off, 503, the master idles and recovers', async (t) => {
    const dir = makeTempDir('broken');
    t.after(() => dir.remove());
    const [broken, boots] = [dir.file('broken'), dir.file('boots')];
    const app = await startStandard(t, {
      kind: SDK_JSON,
      command: ['php', fixture('misbehaving/breaks-on-demand.php')],
      environment: { BROKEN_WHILE: broken, BOOT_LOG: boots },
      config: { http: { pool: { queue_timeout: '300ms' } } },
    });
    if (app === undefined) return;
    const { server } = app;
    const countBoots = () => readFileSync(boots, 'utf8').trimEnd().split('\n').length;
    writeFileSync(broken, '');
    for (const { pid } of app.workers()) kill(pid, 'SIGKILL');
    await eventually(async () => (await statusOf(server, '/readyz')) === 503, '/readyz to say 503', 20_000);
    const [spawned, lines, cpu, begin] = [
      countBoots(),
      server.logs.records.length,
      cpuMs(server.pid),
      performance.now(),
    ];
    let refused = 0;
    while (performance.now() - begin < BROKEN_MS) {
      const answer = await ask(app.server, '/do', { headers: { 'x-id': 'broken' } });
      assert.equal(answer.status, 503);
      assert.match(String(answer.headers['retry-after']), /^\d+$/);
      refused++;
      assert.ok(isAlive(server.pid));
    }
    const seconds = (performance.now() - begin) / 1000;
    const cpuPercent = (cpuMs(server.pid) - cpu) / (seconds * 10);
    const logged = server.logs.records.length - lines;
    const spawns = countBoots() - spawned;
    rmSync(broken);
    const recoveredMs = await app.whole(WORKERS, RECOVERY_MS);
    assert.equal((await ask(app.server, '/do', { headers: { 'x-id': 'fine' } })).status, 200);
    report(t, { seconds, spawns, refused, logged, cpuPercent, recoveredMs }, { refused: 5, spawns: 2 });
    atMost(spawns, 12 * WORKERS, 'attempts');
    atMost(logged - 2 * refused, 200, 'log lines besides those of refused requests');
    atMost(cpuPercent, 15, 'percent of a processor that the master used');
    assert.equal(await statusOf(server, '/readyz'), 200);
    await server.stop();
  });

  test('R14 a worker that never says it is ready is killed at allocate_timeout', async (t) => {
    const dir = makeTempDir('silent');
    t.after(() => dir.remove());
    const [script, boots] = [dir.file('worker.php'), dir.file('boots')];
    writeFileSync(script, `<?php file_put_contents('${boots}', microtime(true) . "\\n", FILE_APPEND); sleep(60);`);
    const server = await spawnServer({
      command: ['php', script],
      config: { http: { pool: { num_workers: WORKERS, allocate_timeout: `${BOOT_TIMEOUT_S}s` } } },
    });
    t.after(() => server.discard());
    const ending = await server.waitForEnd(BOOT_TIMEOUT_S * 1000 + 15_000);
    const times = readFileSync(boots, 'utf8').trimEnd().split('\n').map(Number);
    const ms = Date.now() - Math.min(...times) * 1000;
    report(t, { killed: times.length, ms, limitMs: BOOT_TIMEOUT_S * 1000 }, { killed: WORKERS });
    assert.equal(ending.code, 69);
    assert.match(server.logs.text(), /allocate_timeout/);
    // PHP says when it began, which is some time after it was started.
    const [early, late] = pick([1_500, 8_000] as const, [500, 500] as const);
    assert.ok(ms >= BOOT_TIMEOUT_S * 1000 - early, `ended after ${Math.round(ms)} ms`);
    atMost(ms, BOOT_TIMEOUT_S * 1000 + late, 'milliseconds to the end');
  });

  test('R14 one that hangs in its boot later is killed too, and the others serve on', async (t) => {
    const dir = makeTempDir('hangs');
    t.after(() => dir.remove());
    const script = dir.file('worker.php');
    const hang = dir.file('hang');
    writeFileSync(script, `<?php if (file_exists('${hang}')) { sleep(60); } require '${fixture('sdk-json.php')}';`);
    const config = { http: { pool: { allocate_timeout: '3s' } } };
    const app = await startStandard(t, { kind: SDK_JSON, command: ['php', script], config });
    if (app === undefined) return;
    writeFileSync(hang, '');
    const [victim] = app.workers();
    assert.ok(victim !== undefined && kill(victim.pid, 'SIGKILL'));
    await app.server.waitForLog(mentions(/did not say that it is ready within 3000 ms/), 'of the boot timeout', 20_000);
    assert.equal((await app.pool()).serving, WORKERS - 1);
    assert.equal((await ask(app.server, '/do', { headers: { 'x-id': 'on' } })).status, 200);
    assert.ok(existsSync(hang));
    rmSync(hang);
    const recoveredMs = await app.whole(WORKERS, 20_000);
    report(t, { hung: 1, recoveredMs });
    await app.server.stop();
  });
});

/** Processor time a process has used, in milliseconds. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

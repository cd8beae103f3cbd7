// Two servers share the locks of their schedules; the one that has an occurrence ends before it could push the job: the other one pushes it.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import { mentions } from '../../helpers/log-lines.ts';
import { fixture } from '../../helpers/paths.ts';
import { startRedis } from '../../helpers/redis.ts';
import { baseConfig, type ServerProcess, startServer } from '../../helpers/start-server.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';

const command = ['php', fixture('native/jobs.php')];
/** Time for a reload. */
const AHEAD_MS = 8000;
/** A lease, a look, and a machine that is busy. */
const TAKEN_OVER_MS = 40_000;

/** Once an hour, soon. */
function soon(): string {
  const at = new Date(Date.now() + AHEAD_MS);
  return `${at.getUTCSeconds()} ${at.getUTCMinutes()} * * * *`;
}

// They wait for a time of the clock and for a lease. With a clock and locks of the test they are in test/plugins/cron/two-servers.test.ts, always.
describe('the server that has the occurrence ends', { concurrency: 2 }, () => {
  for (const signal of pick([], ['SIGKILL', 'SIGTERM'] as const)) {
    test(`${signal} while the broker is away: the other one pushes the job, once`, async (t) => {
      const dir = makeTempDir('cron');
      t.after(() => dir.remove());
      const [locks, broker] = [await startRedis(), await startRedis({ directory: dir.path })];
      t.after(() => Promise.all([locks.stop(), broker.stop()]));
      const ran = dir.file('ran.txt');
      writeFileSync(ran, '');
      const config = {
        http: null,
        lock: { driver: 'redis', redis: { addrs: [locks.address] } },
        jobs: {
          consume: ['mail'],
          pool: { num_workers: 1 },
          pipelines: { mail: { driver: 'redis', config: { addrs: [broker.address] } } },
        },
        cron: {},
      };
      const start = () => startServer({ command, config, environment: { RRTS_TEST_RAN: ran } });
      const servers = await Promise.all([start(), start()]);
      t.after(() => Promise.all(servers.map((server) => server.discard())));
      await broker.stop();
      const cron = { once: { schedule: soon(), timezone: 'UTC', job: { pipeline: 'mail', name: 'ok' } } };
      for (const { port, statusPort, dir: own, child } of servers) {
        const { http: _, ...rest } = { ...baseConfig(port, statusPort, command), ...config };
        writeFileSync(own.file('app.yaml'), stringify({ ...rest, cron }));
        child.kill('SIGHUP');
      }
      const tries = (server: ServerProcess): boolean =>
        server.logs.all(mentions(/^cron once: the push is tried again/)).length > 0;
      const one = await eventually(() => servers.find(tries), 'a push that fails', TAKEN_OVER_MS);
      const two = servers.find((server) => server !== one) as ServerProcess;
      assert.equal(tries(two), false, 'one server at a time');
      one.child.kill(signal);
      await one.ended;
      const from = performance.now();
      await broker.restart();
      await two.waitForLog(mentions(/^cron once: done in/), 'that the other one has pushed', TAKEN_OVER_MS);
      const ms = performance.now() - from;
      const ends = (): number => readFileSync(ran, 'utf8').match(/^end /gm)?.length ?? 0;
      await eventually(() => ends() >= 1, 'the job', TAKEN_OVER_MS);
      report(t, { signal, takenOverMs: ms });
      await two.stop();
      assert.equal(ends(), 1);
    });
  }
});

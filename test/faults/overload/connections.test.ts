// O13: far more connections than the process may have descriptors.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { NATIVE } from '../../e2e/kinds.ts';
import { mentions } from '../../helpers/log-lines.ts';
import { exists } from '../../helpers/paths.ts';
import { kill } from '../../helpers/processes.ts';
import { RawClient } from '../../helpers/raw-http.ts';
import { ask } from '../../helpers/request.ts';
import { statusOf } from '../../helpers/start-server.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { runLoad } from '../rig/load.ts';
import { report } from '../rig/report.ts';
import { startStandard } from '../rig/standard-app.ts';
import { connectMany } from './crowd.ts';

const FILES = 4096;
/** A thousand descriptors are kept for the server itself. */
const MOST = FILES - 1000;
const PRLIMIT = '/usr/bin/prlimit';
const CONNECTS = pick(8_000, 20_000);

test(`O13 ${CONNECTS} idle connections, ${FILES} descriptors: those that are served stay served, workers are replaced`, async (t) => {
  if (!exists(PRLIMIT)) return t.skip('needs prlimit (util-linux)');
  const app = await startStandard(t, {
    kind: NATIVE,
    launcher: [PRLIMIT, `--nofile=${FILES}:${FILES}`],
    config: { http: { timeouts: { headers: '120s' } } }, // they shall stay idle for as long as the test takes
  });
  if (app === undefined) return;
  await app.server.waitForLog(mentions(/limits\.connections: \d+ instead of 10000/), 'about the limit');
  const descriptors = () => readdirSync(`/proc/${app.server.pid}/fd`).length;
  const before = descriptors();
  const known = await RawClient.connect(app.server.port);
  let closed = 0;
  const sockets = await connectMany(app.server.port, CONNECTS, (socket) => socket.on('close', () => closed++).resume());
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await eventually(() => closed >= CONNECTS - MOST, 'the excess to be closed', 60_000);
  const most = descriptors();
  const refused = closed;
  // Full as it is, it serves those it knows, answers probes and replaces a dead worker.
  known.send('GET /do HTTP/1.1\r\nHost: h\r\nX-Id: known\r\n\r\n');
  assert.equal((await known.response()).status, 200);
  assert.equal(await statusOf(app.server, '/livez'), 200);
  assert.ok(kill(app.workers()[0]?.pid ?? 0, 'SIGKILL'));
  const wholeMs = await app.whole();
  for (const socket of sockets) socket.destroy();
  const freedAt = performance.now();
  await eventually(
    () =>
      ask(app, '/do').then(
        (answer) => answer.status === 200,
        () => false,
      ),
    'a new client to be served',
  );
  const again = performance.now() - freedAt;
  const after = await runLoad(app, { connections: 50, until: 500 });
  report(
    t,
    {
      connects: CONNECTS,
      open: CONNECTS - refused,
      refused,
      descriptors: `${before} before, ${most} at most, ${descriptors()} after`,
      workerBackAfter: `${Math.round(wholeMs)} ms`,
      servesAgainAfter: `${Math.round(again)} ms`,
      ...after.facts(),
    },
    { connects: CONNECTS, open: MOST - 100, refused: CONNECTS - MOST, requests: 500 },
  );
  after.assertAllAsExpected(app.server.logs.tail());
  assert.ok(most < FILES, 'some descriptors are left');
  // As slow as this machine is now.
  atMost(again, pick(2000, 1000) + 10 * after.percentile(0.99), 'ms until a new client was served');
  await eventually(() => descriptors() < before + 80, 'the descriptors to be free again');
  const lines = app.server.logs.all(mentions(/one more was closed/)).length;
  assert.ok(lines >= 1 && lines < 60, `${lines} lines in the log`);
  known.destroy();
  await app.server.stop();
});

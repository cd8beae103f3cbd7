// O22: clients make the master hold more memory than it shall; new requests are refused until it is less.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { NATIVE } from '../../e2e/kinds.ts';
import { ask } from '../../helpers/request.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { runLoad } from '../rig/load.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard } from '../rig/standard-app.ts';

const MB = 1024 * 1024;
const LIMIT_MB = 120;
const BODY = 10 * MB;
const HOGS = pick(40, 300);

function open(t: TestContext, app: StandardApp): Socket {
  const socket = connect(app.server.port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  t.after(() => socket.destroy());
  return socket;
}

/** Asks for 10 MB and takes nothing of it. */
function takesNothing(socket: Socket): void {
  socket.pause();
  socket.write(`GET /big?bytes=${BODY} HTTP/1.1\r\nHost: h\r\n\r\n`);
}

/** Sends almost all of a body of 10 MB, and then nothing. */
function keepsItsEnd(socket: Socket): void {
  socket.resume();
  socket.write(`POST /do HTTP/1.1\r\nHost: h\r\nContent-Length: ${BODY}\r\n\r\n`);
  socket.write(Buffer.alloc(BODY - 1, 'x'));
}

for (const [what, hog] of [
  ['that take nothing of their answers', takesNothing],
  ['that keep back the end of their bodies', keepsItsEnd],
] as const) {
  test(`O22 ${HOGS} clients of 10 MB ${what}, limits.memory ${LIMIT_MB} MB: the rest is shed, then served again`, async (t) => {
    const timeouts = { send_idle: '5s', body_idle: '5s' };
    const config = { http: { timeouts, limits: { memory: `${LIMIT_MB}mb` } } };
    const app = await startStandard(t, { kind: NATIVE, config });
    if (app === undefined) return;
    const before = app.masterBytes();
    // Somebody who was there before: slow, but honest.
    const lines = 100;
    const stream = ask(app, `/stream?chunks=${lines}&ms=40`);
    let most = 0;
    for (let index = 0; index < HOGS; index++) {
      hog(open(t, app));
      await pause(20);
      most = Math.max(most, app.masterBytes() - before);
    }
    const answers = new Map<number, number>();
    const refused = await eventually(
      async () => {
        const answer = await ask(app, '/do');
        answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1);
        return answer.status === 503 ? answer : undefined;
      },
      'a request to be refused',
      15_000,
    );
    assert.match(String(refused.headers['retry-after']), /^\d+$/);
    const probe = await app.pool();
    most = Math.max(most, app.masterBytes() - before);
    const recovered = performance.now();
    await eventually(async () => (await ask(app, '/do')).status === 200, 'requests to be served again', 60_000);
    const ms = performance.now() - recovered;
    const whole = await stream;
    report(
      t,
      {
        hogs: HOGS,
        memory: `${(most / MB).toFixed(0)} MB at most`,
        wanted: `${HOGS * 10} MB`,
        servedAgainAfter: `${Math.round(ms)} ms`,
        serving: probe.serving,
      },
      { hogs: HOGS },
    );
    assert.equal(whole.status, 200, 'who was there before is served');
    assert.equal(whole.text.split('\n').length, lines + 1);
    // What was let in before the limit was reached is kept: small requests may have large answers.
    atMost(most, (LIMIT_MB + HOGS * 10) * MB, 'memory');
    await eventually(
      async () => (await runLoad(app, { connections: 4, until: 40 })).failed.length === 0,
      'everybody to be served',
      15_000,
    );
    await app.server.stop();
  });
}

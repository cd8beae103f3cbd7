// O06: thousands of requests at once on one connection.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { NATIVE } from '../../e2e/kinds.ts';
import { RawClient } from '../../helpers/raw-http.ts';
import { atMost, pick } from '../rig/length.ts';
import { runLoad } from '../rig/load.ts';
import { report } from '../rig/report.ts';
import { startStandard } from '../rig/standard-app.ts';

const PIPELINED = 5000;

test(`O06 ${PIPELINED} GETs pipelined on one connection: one runs at a time, and a second client hardly notices`, async (t) => {
  const app = await startStandard(t, {
    kind: NATIVE,
    config: { http: { limits: { requests_per_connection: 0 } } },
  });
  if (app === undefined) return;
  const make = () => ({ path: '/do/sleep/2' });
  const alone = await runLoad(app, { connections: 1, until: ({ ms }) => ms < 1500, make, prefix: 'alone' });
  const client = await RawClient.connect(app.server.port);
  t.after(() => client.destroy());
  let over = false;
  let [most, looks] = [0, 0];
  const watch = (async () => {
    while (!over) {
      most = Math.max(most, Number(/^rr_http_requests_queue (\d+)$/m.exec(await app.metrics())?.[1]));
      looks++;
      await pause(50);
    }
  })();
  const second = runLoad(app, { connections: 1, until: () => !over, make, prefix: 'second' });
  const begin = performance.now();
  const requests = Array.from(
    { length: PIPELINED },
    (_, index) => `GET /do HTTP/1.1\r\nHost: h\r\nX-Id: p${index}\r\n\r\n`,
  );
  client.send(requests.join(''));
  let inOrder = 0;
  for (let index = 0; index < PIPELINED; index++) {
    // Answers that are there already are read without a turn of the event loop, and the second client shares that loop.
    if (index % 20 === 0) await turn();
    const { status, body } = await client.response();
    if (status === 200 && body.toString().startsWith(`p${index} `)) inOrder++;
  }
  const ms = performance.now() - begin;
  over = true;
  const beside = await second;
  await watch;
  report(
    t,
    {
      pipelined: PIPELINED,
      inOrder,
      seconds: ms / 1000,
      inFlightAtMost: most,
      looks,
      second: beside.begun,
      p99: `${alone.percentile(0.99).toFixed(1)} ms alone, ${beside.percentile(0.99).toFixed(1)} beside`,
    },
    { pipelined: PIPELINED, looks: 3, second: 10 },
  );
  assert.equal(inOrder, PIPELINED, 'every answer, in order');
  alone.assertAllAsExpected();
  beside.assertAllAsExpected(app.server.logs.tail());
  atMost(most, 2, 'requests in flight, the second client included');
  const part = pick(0.9, 0.99); // the short form shares the cores with other tests
  atMost(beside.percentile(part), 2 * alone.percentile(part) + pick(300, 20), 'the second client, in ms');
  await app.server.stop();
});

// Valid requests with a few bytes changed, cut or doubled: the front answers or closes, and is as well as before.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VALID } from './corpus.ts';
import { startRig, statusOf } from './http-rig.ts';
import { part, reply } from './stub-pool.ts';

const RUNS = 1200;
const AT_ONCE = 300;

/** A small repeatable generator (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const NOISE = [
  '\r\n',
  '\n',
  '\0',
  ' ',
  ':',
  'Host: x\r\n',
  '\r\n\r\n',
  'Transfer-Encoding: chunked\r\n',
  '\xff',
  '/',
  '9',
];

function mutate(bytes: string, random: () => number): string {
  let text = bytes;
  for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
    const at = Math.floor(random() * text.length);
    const length = Math.floor(random() * 8);
    const what = random();
    if (what < 0.4) text = text.slice(0, at) + NOISE[Math.floor(random() * NOISE.length)] + text.slice(at);
    else if (what < 0.7) text = text.slice(0, at) + text.slice(at + length);
    else if (what < 0.9) text = text.slice(0, at + length) + text.slice(at);
    else text = text.slice(0, at);
  }
  return text;
}

test('mutated requests', async (context) => {
  const seed = 20_261_121;
  const random = generator(seed);
  const rig = await startRig({ timeouts: { headers: 150, bodyIdle: 150, keepAlive: 100 } });
  rig.pool.answer = (request) => {
    if (random() < 0.7) return reply(request, 200, { 'X-A': ['1'] }, 'x');
    part(request, 200, {}, 'x', false);
    setImmediate(() => {
      if (request.cancelled) return;
      part(request, 200, undefined, 'y', true);
      request.onDone();
    });
  };
  const rows = VALID.filter(([, bytes]) => bytes.length < 2000);
  const statuses = new Map<number, number>();
  for (let run = 0; run < RUNS; run += AT_ONCE) {
    const texts = await Promise.all(
      Array.from({ length: AT_ONCE }, () =>
        rig.exchange(mutate(rows[Math.floor(random() * rows.length)]?.[1] ?? '', random)),
      ),
    );
    for (const text of texts) {
      const status = statusOf(text);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      assert.ok(text === '' || status > 0, `no response: ${JSON.stringify(text.slice(0, 100))}`);
    }
  }
  context.diagnostic(`${RUNS} requests, seed ${seed}: ${JSON.stringify(Object.fromEntries(statuses))}`);
  const deadline = Date.now() + 3000;
  while (rig.services.connections.size > 0 && Date.now() < deadline)
    await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([rig.services.connections.size, rig.services.metrics.inFlight], [0, 0]);
  assert.match(await rig.exchange('GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
  await rig.close();
});

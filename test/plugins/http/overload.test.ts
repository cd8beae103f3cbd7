// What becomes of a connection whose request was refused because too many wait (reliability case O01).

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { RrtsError } from '../../../src/core/errors.ts';
import { type RawClient, type Rig, startRig } from './http-rig.ts';
import { fail, reply } from './stub-pool.ts';

/** Less than a connection rests, and more than an answer takes. */
const PROMPT_MS = 300;

function get(path: string, lines = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\n${lines}\r\n`;
}

async function timed(work: Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work;
  return performance.now() - begin;
}

function answers(client: RawClient, count: number): Promise<string> {
  return client.until((received) => received.split('HTTP/1.1 ').length > count && received.endsWith('\n'), 'an answer');
}

describe('a full queue', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
  });
  beforeEach(() => {
    rig.pool.submitted.length = 0;
    rig.pool.answer = (request) => {
      if (request.target.startsWith('/full')) fail(request, new RrtsError('ERR_POOL_QUEUE_FULL', 'full'));
      else reply(request, 200, {}, `${request.target}\n`);
    };
  });
  after(() => rig.close());

  test('a client that comes back at once is not read for a while, other connections are', async () => {
    const client = await rig.connect();
    client.send(get('/full'));
    assert.ok((await timed(answers(client, 1))) < PROMPT_MS, 'the refusal itself is prompt');
    client.send(get('/again'));
    const again = timed(answers(client, 2));
    const other = await rig.connect();
    other.send(get('/other'));
    assert.ok((await timed(answers(other, 1))) < PROMPT_MS, 'another connection is served meanwhile');
    const ms = await again;
    assert.ok(ms > PROMPT_MS && ms < 10_000, `served after ${Math.round(ms)} ms`);
    assert.match(client.received, /\r\n\r\n\/again\n$/);
    client.destroy();
    other.destroy();
  });

  test('pipelined requests behind the refused one are served in order, after the rest', async () => {
    const client = await rig.connect();
    client.send(get('/full') + get('/two') + get('/three', 'Connection: close\r\n'));
    const text = await client.readToEnd();
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 503', 'HTTP/1.1 200', 'HTTP/1.1 200']);
    assert.match(text, /\/two\n[\s\S]*\/three\n$/);
  });

  test('bytes behind it that are not HTTP are 400', async () => {
    const client = await rig.connect();
    client.send(`${get('/full')}\0\0\0 nonsense\r\n\r\n`);
    assert.deepEqual((await client.readToEnd()).match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 503', 'HTTP/1.1 400']);
  });

  test('a client that wants the connection closed gets that at once', async () => {
    assert.ok((await timed(rig.exchange(get('/full', 'Connection: close\r\n')))) < PROMPT_MS);
  });

  test('a client that leaves is forgotten', async () => {
    const client = await rig.connect();
    client.send(get('/full'));
    await answers(client, 1);
    client.destroy();
    const [connection] = rig.services.connections;
    const begin = performance.now();
    while (connection !== undefined && rig.services.connections.has(connection)) {
      assert.ok(performance.now() - begin < 20_000, 'still there');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
});

test('connections that rest do not hold up the end of the server', async () => {
  const rig = await startRig();
  rig.pool.answer = (request) => fail(request, new RrtsError('ERR_POOL_QUEUE_FULL', 'full'));
  const clients = await Promise.all(Array.from({ length: 20 }, () => rig.connect()));
  for (const client of clients) client.send(get('/full'));
  await Promise.all(clients.map((client) => answers(client, 1)));
  const ms = await timed(rig.front.close(5000));
  assert.ok(ms < PROMPT_MS, `closed after ${Math.round(ms)} ms`);
  for (const client of clients) client.destroy();
});

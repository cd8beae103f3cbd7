// RoadRunner's checklist of streamed and informational responses, for any kind of worker.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { isAlive } from '../helpers/processes.ts';
import { RawClient, valuesOf } from '../helpers/raw-http.ts';
import { ask } from '../helpers/request.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import type { WorkerKind } from './kinds.ts';
import { type SharedServer, sharedServer } from './server-of-kind.ts';

/** Declares the tests. `native` workers tell of a failed stream, those of RoadRunner end it as if nothing were wrong. */
export function checkStreams(kind: WorkerKind, native: boolean): void {
  describe(`6.2 streams and 1xx, ${kind.name}`, () => {
    const shared = sharedServer(kind, { http: { pool: { num_workers: 1, stream_timeout: '5s' } } });
    streamChecks(shared, native);
    disconnectChecks(shared, native);
    informationalChecks(shared);
  });
}

function streamChecks(shared: SharedServer, native: boolean): void {
  test('10 chunks arrive in order, each when it was written', async (t) => {
    if (shared.missing(t)) return;
    const client = await RawClient.connect(shared.server.port);
    client.send('GET /stream?chunks=10&ms=30 HTTP/1.1\r\nHost: a\r\n\r\n');
    const response = await client.response();
    client.destroy();
    assert.equal(response.status, 200);
    assert.deepEqual(valuesOf(response, 'content-type'), ['text/plain'], 'the head is applied once');
    assert.deepEqual(
      response.chunks.map((chunk) => chunk.data),
      Array.from({ length: 10 }, (_, index) => `line ${index}\n`),
    );
    const [first, last] = [response.chunks[0]?.at ?? 0, response.chunks[9]?.at ?? 0];
    assert.ok(last - first > 150, `chunks were held back: all within ${last - first} ms`);
  });

  test('PING is answered with PONG: a stream of 200 chunks, and another after it, on one worker', async (t) => {
    if (shared.missing(t)) return;
    for (let round = 0; round < 2; round++) {
      const answer = await ask(shared.server, '/stream?chunks=200');
      assert.equal(answer.text.split('\n').length, 201);
    }
    assert.equal(shared.server.workers().length, 1);
  });

  test('a generator that throws after 2 chunks', async (t) => {
    if (shared.missing(t)) return;
    const pid = (await ask(shared.server, '/pid')).text;
    const client = await RawClient.connect(shared.server.port);
    client.send('GET /stream?chunks=5&throw-after=2 HTTP/1.1\r\nHost: a\r\n\r\n');
    if (native) {
      const text = (await client.rest()).toString();
      assert.match(text, /line 1\n/);
      assert.doesNotMatch(text, /\r\n0\r\n\r\n$/, 'better than RoadRunner: a failed stream does not look complete');
    } else {
      const response = await client.response();
      assert.deepEqual([response.status, response.body.toString()], [200, 'line 0\nline 1\n']);
    }
    client.destroy();
    assert.equal((await ask(shared.server, '/pid')).text, pid, 'the worker survives');
  });

  test('SIGKILL of the worker in the middle of a stream: the client gets what was sent, the worker is replaced', async (t) => {
    if (shared.missing(t)) return;
    const client = await RawClient.connect(shared.server.port);
    client.send('GET /stream?chunks=5&kill-after=2 HTTP/1.1\r\nHost: a\r\n\r\n');
    const text = (await client.rest()).toString();
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.match(text, /line 0\n[\s\S]*line 1\n/);
    assert.doesNotMatch(
      text,
      /\r\n0\r\n\r\n$/,
      'better than RoadRunner: the connection is cut, not ended as if complete',
    );
    assert.equal((await ask(shared.server, '/pid')).status, 200);
  });

  test('many short streams at once do not mix', async (t) => {
    if (shared.missing(t)) return;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask(shared.server, `/stream?chunks=${index + 1}`)),
    );
    answers.forEach((answer, index) => {
      assert.equal(answer.text.split('\n').length, index + 2);
    });
  });
}

function disconnectChecks(shared: SharedServer, native: boolean): void {
  const dir = makeTempDir('streams');
  after(() => dir.remove());

  const leave = async (then: string): Promise<{ pid: number; notes: () => string }> => {
    const file = dir.file(`${then}-${Math.random()}`);
    const notes = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    const client = await RawClient.connect(shared.server.port);
    client.send(`GET /stream-endless?then=${then}&file=${encodeURIComponent(file)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.some(500);
    client.destroy();
    await eventually(() => notes().includes('stopped'), 'STOP to reach the generator');
    return { pid: Number(/begun (\d+)/.exec(notes())?.[1]), notes };
  };

  test('a client that leaves a stream stops the generator, and the worker is reused', async (t) => {
    if (shared.missing(t)) return;
    const { pid } = await leave('end');
    assert.equal((await ask(shared.server, '/pid')).text, String(pid));
  });

  test('so when the generator does not catch it: the worker is reused', async (t) => {
    if (shared.missing(t)) return;
    const { pid } = await leave('throw');
    assert.equal((await ask(shared.server, '/pid')).text, String(pid));
  });

  test('so when the worker exits over it: it is replaced and the pool is not stuck', async (t) => {
    if (shared.missing(t)) return;
    const { pid } = await leave('exit');
    assert.equal((await ask(shared.server, '/pid')).status, 200);
    await eventually(() => !isAlive(pid), `worker ${pid} gone`);
  });

  test('20 clients that leave, one after another, cost nothing', async (t) => {
    if (shared.missing(t)) return;
    const pids = new Set<number>();
    for (let round = 0; round < 20; round++) pids.add((await leave('end')).pid);
    assert.equal(pids.size, 1, 'one worker did it all');
    t.diagnostic(`20 disconnects, ${pids.size} worker${native ? ', native' : ''}`);
  });
}

function informationalChecks(shared: SharedServer): void {
  for (const code of [100, 102, 103]) {
    test(`${code} is sent with its own headers, which the final response does not have`, async (t) => {
      if (shared.missing(t)) return;
      const { informed, final } = await inform(shared, `codes=${code}`);
      assert.deepEqual(
        informed.map((response) => [response.status, valuesOf(response, 'x-informed')]),
        [[code, [`${code}`]]],
      );
      assert.deepEqual([final.status, final.body.toString()], [200, 'final']);
      assert.deepEqual([valuesOf(final, 'x-informed'), valuesOf(final, 'link')], [[], []]);
      assert.deepEqual(valuesOf(final, 'x-final'), ['yes']);
    });
  }

  test('several of them come in order', async (t) => {
    if (shared.missing(t)) return;
    const { informed } = await inform(shared, 'codes=100,102,103');
    assert.deepEqual(
      informed.map((response) => response.status),
      [100, 102, 103],
    );
  });

  test('101 is dropped', async (t) => {
    if (shared.missing(t)) return;
    const { informed, final } = await inform(shared, 'codes=101');
    assert.deepEqual([informed.length, final.status], [0, 200]);
  });

  test('103 then 404 keeps the 404', async (t) => {
    if (shared.missing(t)) return;
    const { informed, final } = await inform(shared, 'codes=103&code=404');
    assert.deepEqual([informed.length, final.status], [1, 404]);
  });
}

async function inform(shared: SharedServer, query: string) {
  const client = await RawClient.connect(shared.server.port);
  client.send(`GET /inform?${query} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const informed = [];
  for (;;) {
    const response = await client.response();
    if (response.status >= 200) {
      client.destroy();
      return { informed, final: response };
    }
    informed.push(response);
  }
}

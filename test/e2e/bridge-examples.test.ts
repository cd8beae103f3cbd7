// examples/node-libraries: npm packages, a typed service and Redis from real PHP workers, with real results.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { runCli } from '../cli/run-cli.ts';
import { ensureComposerProject } from '../helpers/composer.ts';
import { ensureNodeProject } from '../helpers/node-packages.ts';
import { type RedisServer, startRedis } from '../helpers/redis.ts';
import { ask } from '../helpers/request.ts';
import type { ServerProcess } from '../helpers/start-server.ts';
import { EXAMPLE, jpegSize, startExample, webpSize } from './node-libraries.ts';

const PHOTO = readFileSync(join(EXAMPLE, 'assets', 'hills.jpg'));
const run = promisify(execFile);

before(async () => {
  const reasons = [await ensureNodeProject(EXAMPLE), await ensureComposerProject(EXAMPLE)];
  assert.deepEqual(reasons, [undefined, undefined]);
});

/** The body of an answer as bytes. */
async function bytesOf(server: ServerProcess, path: string, init: RequestInit = {}): Promise<Buffer> {
  const response = await fetch(server.url + path, { ...init, signal: AbortSignal.timeout(20_000) });
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200, body.toString());
  return body;
}

describe('the routes', () => {
  let redis: RedisServer;
  let server: ServerProcess;

  before(async () => {
    redis = await startRedis();
    server = await startExample(redis.port);
  });

  after(async () => {
    await server.discard();
    await redis.stop();
  });

  test('sharp: an image is made smaller, one of the disk and one that is posted', async (t) => {
    assert.deepEqual(jpegSize(PHOTO), [960, 640]);
    assert.deepEqual(webpSize(await bytesOf(server, '/resize?width=160')), [160, 107]);
    const posted = await bytesOf(server, '/resize?width=96', { method: 'POST', body: PHOTO });
    assert.deepEqual(webpSize(posted), [96, 64]);
    const widths = Array.from({ length: 40 }, (_, index) => 20 + index);
    const sizes = await Promise.all(
      widths.map(async (width) => webpSize(await bytesOf(server, `/resize?width=${width}`))),
    );
    assert.deepEqual(
      sizes.map(([width]) => width),
      widths,
    );
    t.diagnostic(`${widths.length} images at once, each with its own width`);
  });

  test('marked: Markdown becomes HTML', async () => {
    assert.match((await ask(server, '/')).text, /href="\/markdown"/);
    const page = (await ask(server, '/markdown')).text;
    assert.match(page, /<h1>From Markdown<\/h1>[\s\S]*<table>[\s\S]*<td>this <em>page<\/em><\/td>/);
    const posted = await ask(server, '/markdown', { method: 'POST', body: '**ä** `x`' });
    assert.equal(posted.text, '<p><strong>ä</strong> <code>x</code></p>\n');
  });

  test('a typed service through its generated class', async () => {
    const response = await fetch(`${server.url}/thumbnail?width=160`);
    const image = Buffer.from(await response.arrayBuffer());
    assert.deepEqual(
      [response.status, response.headers.get('content-type'), response.headers.get('x-size'), jpegSize(image)],
      [200, 'image/jpeg', '160 x 107', [160, 107]],
      image.toString('latin1', 0, 300),
    );
    const age = Date.now() - Date.parse(response.headers.get('last-modified') ?? '');
    assert.ok(age >= 0 && age < 60_000, `made ${age} ms ago`);
    const wrong = await ask(server, '/thumbnail?width=0');
    assert.equal(wrong.status, 422);
    assert.match(wrong.text, /thumbnails\.create.*width: /);
    await server.waitForLog(({ text }) => text.includes('made a thumbnail'), 'of the service');
  });

  test('exceljs: a spreadsheet with its cells', async () => {
    const file = server.dir.file('sales.xlsx');
    writeFileSync(file, await bytesOf(server, '/spreadsheet'));
    const part = async (name: string) => (await run('unzip', ['-p', file, name])).stdout;
    const sheet = await part('xl/worksheets/sheet1.xml');
    assert.match(await part('xl/workbook.xml'), /<sheet [^>]*name="Sales"/);
    assert.match(sheet, /<c r="B2"[^>]*><v>12<\/v><\/c>/);
    assert.match(sheet, /<c r="B3"[^>]*><v>30\.5<\/v><\/c>/);
    assert.match(sheet, /<c r="C2"[^>]*><v>46023<\/v><\/c>/, '1 January 2026 as Excel counts days');
    assert.match(await part('xl/sharedStrings.xml'), /<t>January<\/t>/);
  });

  test('ioredis: one connection for all workers; without Redis the server goes on', async (t) => {
    const workers = new Set<number>();
    const visits: number[] = [];
    while (workers.size < 2 && visits.length < 500) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask(server, '/counter')));
      for (const { status, text } of answers) {
        assert.equal(status, 200, text);
        const answer = JSON.parse(text) as { visits: number; worker: number };
        visits.push(answer.visits);
        workers.add(answer.worker);
      }
    }
    assert.equal(workers.size, 2);
    assert.deepEqual(
      visits.sort((a, b) => a - b),
      visits.map((_, index) => index + 1),
    );
    assert.equal(await connectionsNamed(redis, 'node-libraries'), 1);
    t.diagnostic(`${visits.length} visits by ${workers.size} workers over one connection`);
    await redis.stop();
    const without = await ask(server, '/counter');
    assert.equal(without.status, 503, without.text);
    assert.match(without.text, /^Redis does not answer: /);
    assert.equal((await ask(server, '/markdown')).status, 200);
    await redis.restart();
    assert.equal((await ask(server, '/counter')).status, 200);
  });

  test('it stops in good order', async () => {
    await server.stop();
  });
});

async function connectionsNamed(redis: RedisServer, name: string): Promise<number> {
  const client = new Redis(redis.port, '127.0.0.1');
  try {
    const list = (await client.client('LIST')) as string;
    return list.split('\n').filter((line) => line.includes(`name=${name} `)).length;
  } finally {
    client.disconnect();
  }
}

test('the committed class is what the service says', async (t) => {
  const { code, stdout, stderr } = await runCli(t, ['stubs', '--check', '-c', 'app.yaml', '-w', EXAMPLE]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^src\/Node\/Thumbnails\.php is up to date$/m);
});

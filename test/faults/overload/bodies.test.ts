// Request bodies that are too large, very large, hostile, or do not fit on the disk.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { MULTIPART, multipart } from '../../e2e/bodies.ts';
import { NATIVE, SDK_JSON } from '../../e2e/kinds.ts';
import { ask } from '../../helpers/request.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { atMost, pick } from '../rig/length.ts';
import { runLoad } from '../rig/load.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard } from '../rig/standard-app.ts';

const MB = 1024 * 1024;
const BLOCK = Buffer.alloc(64 * 1024, '0123456789abcdef');

interface SeenUpload {
  readonly name: string;
  readonly size: number;
  readonly error: number;
  readonly sha256: string | null;
}

/** Bytes that the master has read from files and sockets. */
function bytesRead({ server }: StandardApp): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${server.pid}/io`, 'utf8'))?.[1]);
}

/** Processor time of the master in milliseconds; Linux counts in steps of ten. */
function cpuMs({ server }: StandardApp): number {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** What came back on a connection that sends for as long as it may. */
class Sender {
  readonly socket: Socket;
  sent = 0;
  received = '';
  /** Bytes that were handed to the system when the first byte of an answer came. */
  sentAtAnswer = Number.NaN;
  answeredAt = Number.NaN;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('data', (bytes) => {
      if (this.received === '') [this.sentAtAnswer, this.answeredAt] = [this.sent, performance.now()];
      this.received += bytes.toString('latin1');
    });
  }

  /** Sends blocks, framed by `frame`, until so many bytes are out or the other side has closed. */
  async blocks(bytes: number, frame: (block: Buffer) => Buffer = (block) => block): Promise<void> {
    const framed = frame(BLOCK);
    for (let left = bytes; left > 0 && this.socket.writable; left -= BLOCK.length) {
      this.sent += BLOCK.length;
      if (!this.socket.write(framed)) await Promise.race([once(this.socket, 'drain'), once(this.socket, 'close')]);
    }
  }

  get status(): number {
    return Number(this.received.slice(9, 12));
  }
}

function chunked(block: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${block.length.toString(16)}\r\n`), block, Buffer.from('\r\n')]);
}

/** A folder for uploads that is gone after the test. */
function uploadFolder(t: TestContext): { path: string; files: () => string[] } {
  const dir = makeTempDir('uploads');
  t.after(() => dir.remove());
  return { path: dir.path, files: () => readdirSync(dir.path) };
}

const PART_HEAD = 'Content-Disposition: form-data; name="upload"; filename="big.bin"\r\n\r\n';

test('O14 2 GB in chunks where 8 MB are allowed: 413 early, nothing kept', async (t) => {
  const uploads = uploadFolder(t);
  const app = await startStandard(t, {
    kind: NATIVE,
    config: { http: { max_request_size: 8, uploads: { dir: uploads.path } } },
  });
  if (app === undefined) return;
  const [memory, read] = [app.masterBytes(), bytesRead(app)];
  const types = ['application/octet-stream', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=b'];
  const senders: Sender[] = [];
  let most = 0;
  const closings: number[] = [];
  for (const type of types) {
    const sender = new Sender(app.server.port);
    t.after(() => sender.socket.destroy());
    senders.push(sender);
    const head = `POST /do HTTP/1.1\r\nHost: h\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    sender.socket.write(head);
    if (type.startsWith('multipart')) sender.socket.write(chunked(Buffer.from(`--b\r\n${PART_HEAD}`)));
    const closed = once(sender.socket, 'close');
    await sender.blocks(2048 * MB, (block) => {
      most = Math.max(most, app.masterBytes());
      return chunked(block);
    });
    await within(closed, 20_000, 'the end of the connection');
    closings.push(performance.now() - sender.answeredAt);
  }
  const sentAtAnswer = Math.max(...senders.map((sender) => sender.sentAtAnswer));
  report(
    t,
    {
      senders: senders.length,
      sentBefore413: `${(sentAtAnswer / MB).toFixed(1)} MB at most`,
      closedAfter: `${Math.round(Math.max(...closings))} ms`,
      readInAll: `${((bytesRead(app) - read) / MB).toFixed(0)} MB`,
      memory: `${((most - memory) / MB).toFixed(0)} MB`,
    },
    { senders: 3 },
  );
  for (const sender of senders) assert.equal(sender.status, 413, sender.received.slice(0, 200));
  // The limit, and what the buffers of both ends hold.
  atMost(sentAtAnswer, 24 * MB, 'bytes sent before the answer');
  atMost(Math.max(...closings), 2500, 'ms from the answer to the end of the connection');
  atMost(Math.max(most, app.masterBytes()) - memory, 80 * MB, 'memory');
  await eventually(() => uploads.files().length === 0, 'no temporary file');
  assert.equal(app.executions().length, 0, 'PHP saw none of them');
  (await runLoad(app, { connections: 8, until: 200 })).assertAllAsExpected(app.server.logs.tail());
  await app.server.stop();
});

for (const kind of [NATIVE, SDK_JSON]) {
  test(`O15 an upload of ${pick('200 MB', '1 GB')}: on disk, not in memory, and no worker until it is whole: ${kind.name}`, async (t) => {
    const uploads = uploadFolder(t);
    const config = { http: { max_request_size: 1100, uploads: { dir: uploads.path } } };
    const app = await startStandard(t, { kind, config });
    if (app === undefined) return;
    const size = pick(200, 1040) * MB;
    const before = app.masterBytes();
    const [first, last] = [Buffer.from(`--b\r\n${PART_HEAD}`), Buffer.from('\r\n--b--\r\n')];
    const sender = new Sender(app.server.port);
    t.after(() => sender.socket.destroy());
    const length = first.length + size + last.length;
    const head = `Host: h\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${length}`;
    sender.socket.write(`POST /uploads HTTP/1.1\r\n${head}\r\n\r\n`);
    sender.socket.write(first);
    const hash = createHash('sha256');
    let most = 0;
    const begin = performance.now();
    for (let step = 0; step < 10; step++) {
      await sender.blocks(size / 10);
      most = Math.max(most, app.masterBytes());
      assert.match(await app.metrics(), /^rr_http_workers_working 0$/m);
    }
    for (let done = 0; done < size; done += BLOCK.length) hash.update(BLOCK);
    sender.socket.write(last);
    await within(once(sender.socket, 'close'), 60_000, 'the answer');
    most = Math.max(most, app.masterBytes());
    const ms = performance.now() - begin;
    assert.equal(sender.status, 200, sender.received.slice(0, 300));
    const [, body = ''] = sender.received.split('\r\n\r\n');
    const seen: SeenUpload = JSON.parse(body).upload;
    report(
      t,
      { kind: kind.name, bytes: seen.size, seconds: ms / 1000, memory: `${((most - before) / MB).toFixed(0)} MB` },
      { bytes: size },
    );
    assert.deepEqual([seen.error, seen.size, seen.sha256], [0, size, hash.digest('hex')]);
    atMost(most - before, 64 * MB, 'memory');
    await eventually(() => uploads.files().length === 0, 'no temporary file');
    await app.server.stop();
  });
}

describe('O16 hostile forms', () => {
  const fields = (count: number) =>
    multipart(Array.from({ length: count }, (_, at) => ({ name: `f${at}`, value: 'x' })));
  const files = (count: number) =>
    multipart(Array.from({ length: count }, (_, at) => ({ name: `f${at}`, value: 'x', filename: 'x' })));
  const named = (filename: string) => multipart([{ name: 'upload', value: 'x', filename }]);
  const one = multipart([{ name: 'upload', value: 'x', filename: 'x' }]);
  const boundary = (text: string) => `multipart/form-data; boundary=${text}`;
  const withBoundary = (text: string) => Buffer.from(`--${text}\r\n${PART_HEAD}x\r\n--${text}--\r\n`);
  const extended = Buffer.from(
    `--b\r\nContent-Disposition: form-data; name="upload"; filename="a"; filename*=UTF-7''..%2f+AC8-x\r\n\r\nx\r\n--b--\r\n`,
  );
  const nested = Buffer.from(
    '--b\r\nContent-Disposition: form-data; name="upload"; filename="mixed"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n' +
      '--c\r\nContent-Disposition: file; filename="inner"\r\n\r\nx\r\n--c--\r\n\r\n--b--\r\n',
  );
  /** What is sent, and the status or the name that PHP sees. */
  const table: [string, string, Buffer, number | string][] = [
    ['50,000 fields', MULTIPART, fields(50_000), 413],
    ['5,000 files', MULTIPART, files(5_000), 413],
    ['a field name of 1 MB', MULTIPART, multipart([{ name: 'x'.repeat(MB), value: 'x' }]), 400],
    ['no boundary', 'multipart/form-data', one, 400],
    ['a boundary of 71 characters', boundary('b'.repeat(71)), withBoundary('b'.repeat(71)), 400],
    ['a boundary of 70 characters', boundary('b'.repeat(70)), withBoundary('b'.repeat(70)), 'big.bin'],
    ['a body that ends in a part', MULTIPART, one.subarray(0, one.length - 20), 400],
    ['a part within a part', boundary('b'), nested, 'mixed'],
    ['a path as file name', MULTIPART, named('../../../etc/passwd'), 'passwd'],
    ['a Windows path', MULTIPART, named('C:\\\\temp\\\\x.txt'), 'x.txt'],
    ['a NUL in the file name', MULTIPART, named('x.txt\0.php'), 'x.txt'],
    ['an extended name in UTF-7', boundary('b'), extended, '+AC8-x'],
    ['a file name of dots', MULTIPART, named('..'), ''],
  ];

  for (const kind of [NATIVE, SDK_JSON]) {
    test(`O16 ${table.length} hostile forms are refused or made harmless: ${kind.name}`, async (t) => {
      const uploads = uploadFolder(t);
      const app = await startStandard(t, { kind, config: { http: { uploads: { dir: uploads.path } } } });
      if (app === undefined) return;
      const pids = app.workers().map(({ pid }) => pid);
      const rounds = pick(2, 20);
      let dearest = { what: '', ms: 0 };
      for (let round = 0; round < rounds; round++) {
        for (const [what, type, body, expected] of table) {
          const before = cpuMs(app);
          const answer = await ask(app, '/uploads', { method: 'POST', headers: { 'content-type': type }, body });
          const ms = cpuMs(app) - before;
          // The first round compiles.
          if (round > 0 && ms > dearest.ms) dearest = { what, ms };
          const seen = answer.status === 200 ? JSON.parse(answer.text).upload?.name : answer.status;
          assert.equal(seen, expected, `${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
        }
      }
      report(
        t,
        {
          kind: kind.name,
          forms: rounds * table.length,
          dearest: `${dearest.ms} ms of processor time for ${dearest.what}`,
        },
        { forms: rounds * table.length },
      );
      atMost(dearest.ms, pick(300, 100), 'ms of processor time for one form');
      await eventually(() => uploads.files().length === 0, 'no temporary file');
      assert.deepEqual(
        app.workers().map(({ pid }) => pid),
        pids,
        'the same workers',
      );
      await app.server.stop();
    });
  }
});

test('O17 a full disk: PHP is told, the file is removed, and the next upload arrives', async (t) => {
  const uploads = uploadFolder(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=10m', 'rrts-test', uploads.path], { stdio: 'ignore' });
  } catch {
    return t.skip('needs the right to mount a tmpfs');
  }
  // Before the folder is removed: the hooks run in the order in which they were added, and this must not leave a mount.
  const unmount = () => execFileSync('umount', ['--lazy', uploads.path], { stdio: 'ignore' });
  let mounted = true;
  t.after(() => {
    if (mounted) unmount();
  });
  const app = await startStandard(t, { kind: NATIVE, config: { http: { uploads: { dir: uploads.path } } } });
  if (app === undefined) return;
  const pids = app.workers().map(({ pid }) => pid);
  const upload = async (bytes: number) => {
    const body = multipart([{ name: 'upload', value: Buffer.alloc(bytes, 'x'), filename: 'x.bin' }]);
    const answer = await ask(app, '/uploads', { method: 'POST', headers: { 'content-type': MULTIPART }, body });
    assert.equal(answer.status, 200, answer.text);
    const { error, size }: SeenUpload = JSON.parse(answer.text).upload;
    return { error, size };
  };
  const rounds = pick(3, 20);
  let tooLarge = 0;
  for (let round = 0; round < rounds; round++) {
    const many = await Promise.all([upload(20 * MB), upload(12 * MB), upload(20 * MB), upload(30 * MB)]);
    for (const seen of many) assert.deepEqual(seen, { error: 7, size: 0 }, 'UPLOAD_ERR_CANT_WRITE');
    tooLarge += many.length;
    await eventually(() => uploads.files().length === 0, 'no temporary file');
    assert.deepEqual(await upload(MB), { error: 0, size: MB });
  }
  report(t, { tooLarge, arrived: rounds }, { tooLarge: 4 * rounds });
  await eventually(() => uploads.files().length === 0, 'no temporary file');
  assert.deepEqual(
    app.workers().map(({ pid }) => pid),
    pids,
    'the same workers',
  );
  await app.server.stop();
  unmount();
  mounted = false;
});

describe('O20 names that are made to be slow', () => {
  /** 2^13 names with the same hash in PHP (DJBX33A): Ez and FY collide, and so do all words of them. */
  const colliding = Array.from({ length: 8192 }, (_, at) =>
    Array.from({ length: 13 }, (_bit, bit) => (at & (1 << bit) ? 'Ez' : 'FY')).join(''),
  );
  const table: [string, string][] = [
    ['10,000 fields', Array.from({ length: 10_000 }, (_, at) => `k${at}=1`).join('&')],
    ['8,192 names with one hash', colliding.map((name) => `${name}=1`).join('&')],
    ['8,192 such keys of one field', colliding.map((name) => `a[${name}]=1`).join('&')],
    ['a name 10,000 deep', `a${'[]'.repeat(10_000)}=1`],
    ['1,000 names 64 deep', Array.from({ length: 1000 }, (_, at) => `a${`[${at}]`.repeat(64)}=1`).join('&')],
    ['100,000 brackets', `a${'['.repeat(100_000)}=1`],
    ['__proto__ and its kin', '__proto__[x]=1&constructor[prototype][y]=2&toString=3'],
  ];

  for (const kind of [NATIVE, SDK_JSON]) {
    test(`O20 ${table.length} forms that would be slow without limits: ${kind.name}`, async (t) => {
      const app = await startStandard(t, { kind });
      if (app === undefined) return;
      const pids = app.workers().map(({ pid }) => pid);
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      let slowest = { what: '', ms: 0 };
      let dearest = { what: '', ms: 0 };
      for (const [what, body] of table) {
        for (let round = 0; round < 3; round++) {
          const before = cpuMs(app);
          const answer = await ask(app, '/form', { method: 'POST', headers, body });
          const cpu = cpuMs(app) - before;
          assert.equal(answer.status, 200, `${what}: ${answer.text.slice(0, 200)}`);
          const { form } = JSON.parse(answer.text);
          atMost(Object.keys(form ?? {}).length, 1000, `${what}: fields that PHP sees`);
          if (answer.ms > slowest.ms) slowest = { what, ms: answer.ms };
          if (cpu > dearest.ms) dearest = { what, ms: cpu };
        }
      }
      const query = `/request?${colliding
        .slice(0, 300)
        .map((name) => `${name}=1`)
        .join('&')
        .slice(0, 8000)}`;
      assert.equal((await ask(app, query)).status, 200);
      report(
        t,
        {
          kind: kind.name,
          forms: table.length * 3,
          slowest: `${Math.round(slowest.ms)} ms for ${slowest.what}`,
          dearest: `${dearest.ms} ms of processor time for ${dearest.what}`,
        },
        { forms: table.length * 3 },
      );
      atMost(slowest.ms, pick(3000, 1500), 'ms for one form');
      atMost(dearest.ms, pick(600, 300), 'ms of processor time for one form');
      assert.deepEqual(
        app.workers().map(({ pid }) => pid),
        pids,
        'the same workers',
      );
      await app.server.stop();
    });
  }
});

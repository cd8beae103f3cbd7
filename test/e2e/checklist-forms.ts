// RoadRunner's checklist of request forms and uploads, for any kind of worker.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { exists } from '../helpers/paths.ts';
import { askJson } from '../helpers/request.ts';
import { eventually } from '../helpers/wait-for.ts';
import { FORM_PAIRS, MULTIPART, multipart, urlencoded } from './bodies.ts';
import type { WorkerKind } from './kinds.ts';
import { type SharedServer, sharedServer } from './server-of-kind.ts';

interface SeenUpload {
  readonly name: string;
  readonly mime: string;
  readonly size: number;
  readonly error: number;
  readonly path: string;
  readonly sha256: string | null;
}

interface SeenForm {
  readonly parsed: boolean;
  readonly form: Record<string, unknown> | null;
  readonly body: string | null;
  readonly uploads: Record<string, unknown>;
}

/**
 * PHP's own reading of {@link FORM_PAIRS}: what follows the closing bracket is dropped. RoadRunner reads `arr[c]p` as
 * arr > c > p; rrts deliberately gives what the same application sees under FPM.
 */
const EXPECTED = { key: 'value', name: ['name1', 'name2', 'name3'], arr: { x: { y: { z: 'y', e: 'f' } }, c: '' } };

/** Declares the tests. */
export function checkForms(kind: WorkerKind): void {
  describe(`6.1 forms and uploads, ${kind.name}`, () => {
    const shared = sharedServer(kind, { http: { uploads: { forbid: ['.php', '.BAD'] } } });
    formChecks(shared);
    uploadChecks(shared);
  });
  describe(`6.1 uploads with an allow list, ${kind.name}`, () => {
    const shared = sharedServer(kind, { http: { uploads: { allow: ['.txt', '.png'], forbid: ['.png'] } } });
    allowListChecks(shared);
  });
  describe(`6.1 raw_body, ${kind.name}`, () => {
    rawBodyChecks(sharedServer(kind, { http: { raw_body: true } }));
  });
}

function formChecks(shared: SharedServer): void {
  const encoded = urlencoded(FORM_PAIRS);
  const parts = multipart(FORM_PAIRS.map(([name, value]) => ({ name, value })));
  const kinds = [
    ['urlencoded', 'application/x-www-form-urlencoded', encoded],
    ['urlencoded with a charset', 'application/x-www-form-urlencoded; charset=utf-8', encoded],
    ['multipart', MULTIPART, parts],
  ] as const;
  for (const method of ['POST', 'PUT', 'PATCH']) {
    for (const [name, type, body] of kinds) {
      test(`${method} of a form, ${name}: scalars, lists, nesting`, async (t) => {
        if (shared.missing(t)) return;
        const seen = await post(shared, method, type, body);
        assert.deepEqual(seen, { parsed: true, form: EXPECTED, body: null, uploads: {} });
      });
    }
  }

  test('an empty form is a form', async (t) => {
    if (shared.missing(t)) return;
    const seen = await post(shared, 'POST', 'application/x-www-form-urlencoded', '');
    assert.deepEqual(seen.uploads, {});
    assert.deepEqual(seen.form ?? {}, {});
  });
}

function uploadChecks(shared: SharedServer): void {
  test('one upload: name, type, size, content; the file is gone after the response', async (t) => {
    if (shared.missing(t)) return;
    const content = Buffer.alloc(300_000, 'upload content ');
    const parts = [
      { name: 'upload', value: content, filename: 'sample.txt', type: 'text/plain' },
      { name: 'note', value: 'beside it' },
    ];
    const seen = await post(shared, 'POST', MULTIPART, multipart(parts));
    const file = seen.uploads['upload'] as SeenUpload;
    assert.deepEqual(seen.form, { note: 'beside it' });
    assert.deepEqual([file.name, file.mime, file.size, file.error], ['sample.txt', 'text/plain', content.length, 0]);
    assert.equal(file.sha256, createHash('sha256').update(content).digest('hex'));
    await eventually(() => !exists(file.path), `${file.path} removed`);
  });

  test('30 uploads with a field behind each: none stalls at the end of its body', async (t) => {
    if (shared.missing(t)) return;
    const content = Buffer.alloc(300_000, 'upload content ');
    const parts = [
      { name: 'upload', value: content, filename: 'sample.txt' },
      { name: 'note', value: 'behind it' },
    ];
    for (let round = 0; round < 30; round++) {
      const seen = await post(shared, 'POST', MULTIPART, multipart(parts));
      assert.equal((seen.uploads['upload'] as SeenUpload).size, content.length);
    }
  });

  test('nested names of uploads become nested trees', async (t) => {
    if (shared.missing(t)) return;
    const names = ['upload[x][y][z][]', 'upload[x][y][z][]', 'upload[x][y][e]', 'upload[other]'];
    const parts = names.map((name, index) => ({ name, value: `${index}`, filename: `f${index}.txt` }));
    const { uploads } = await post(shared, 'PUT', MULTIPART, multipart(parts));
    const tree = uploads['upload'] as { x: { y: { z: SeenUpload[]; e: SeenUpload } }; other: SeenUpload };
    const seen = [...tree.x.y.z, tree.x.y.e, tree.other].map((file) => file.name);
    assert.deepEqual(seen, ['f0.txt', 'f1.txt', 'f2.txt', 'f3.txt']);
  });

  test('a forbidden extension is error 8 and leaves no file, whatever its case', async (t) => {
    if (shared.missing(t)) return;
    const names = ['shell.PHP', 'worse.bad', 'fine.txt'];
    const parts = names.map((filename, index) => ({ name: `f${index}`, value: 'x', filename }));
    const { uploads } = await post(shared, 'POST', MULTIPART, multipart(parts));
    const files = Object.values(uploads) as SeenUpload[];
    assert.deepEqual(
      files.map((file) => [file.name, file.error, file.sha256 !== null]),
      [
        ['shell.PHP', 8, false],
        ['worse.bad', 8, false],
        ['fine.txt', 0, true],
      ],
    );
  });

  test('a file field left empty is error 4', async (t) => {
    if (shared.missing(t)) return;
    const parts = [{ name: 'upload', value: '', filename: '', type: 'application/octet-stream' }];
    const { uploads } = await post(shared, 'POST', MULTIPART, multipart(parts));
    assert.equal((uploads['upload'] as SeenUpload).error, 4);
  });

  test('a file name with directories loses them', async (t) => {
    if (shared.missing(t)) return;
    const parts = [{ name: 'upload', value: 'x', filename: '../../etc/passwd' }];
    const { uploads } = await post(shared, 'POST', MULTIPART, multipart(parts));
    assert.equal((uploads['upload'] as SeenUpload).name, 'passwd');
  });
}

function allowListChecks(shared: SharedServer): void {
  test('an extension that is not in the allow list is error 8; forbid wins over allow', async (t) => {
    if (shared.missing(t)) return;
    const names = ['yes.txt', 'no.jpg', 'both.png', 'none'];
    const parts = names.map((filename, index) => ({ name: `f${index}`, value: 'x', filename }));
    const { uploads } = await post(shared, 'POST', MULTIPART, multipart(parts));
    const errors = (Object.values(uploads) as SeenUpload[]).map((file) => file.error);
    assert.deepEqual(errors, [0, 8, 8, 8]);
  });
}

function rawBodyChecks(shared: SharedServer): void {
  for (const method of ['POST', 'DELETE']) {
    test(`an urlencoded ${method} arrives byte for byte`, async (t) => {
      if (shared.missing(t)) return;
      const body = 'a=%zz&b[]=1&&b[]=%C3%A9+x';
      const seen = await post(shared, method, 'application/x-www-form-urlencoded', body);
      assert.deepEqual(seen, { parsed: false, form: null, body, uploads: {} });
    });
  }

  test('a multipart body arrives byte for byte and makes no uploads', async (t) => {
    if (shared.missing(t)) return;
    const body = multipart([{ name: 'upload', value: 'content', filename: 'a.txt' }]);
    const seen = await post(shared, 'POST', MULTIPART, body);
    assert.deepEqual(seen, { parsed: false, form: null, body: body.toString(), uploads: {} });
  });
}

function post(shared: SharedServer, method: string, type: string, body: string | Buffer): Promise<SeenForm> {
  return askJson<SeenForm>(shared.server, '/form', { method, headers: { 'content-type': type }, body });
}

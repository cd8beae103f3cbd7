// Reliability cases H01 to H07: what is not valid HTTP, or could be read two ways, never reaches PHP.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { INVALID, VALID } from './corpus.ts';
import { type Rig, startRig, statusOf } from './http-rig.ts';
import { reply } from './stub-pool.ts';

describe('requests that must not reach PHP', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
    rig.pool.answer = (request) => reply(request, 200, {}, 'reached PHP');
  });
  after(() => rig.close());

  for (const [name, bytes, status] of INVALID) {
    test(name, async () => {
      const text = await rig.exchange(bytes);
      const expected = typeof status === 'number' ? [status] : status;
      assert.ok(expected.includes(statusOf(text)), `${statusOf(text)} instead of ${expected}: ${text.slice(0, 200)}`);
      assert.deepEqual(
        rig.pool.submitted.map((request) => request.target),
        [],
      );
      if (text !== '') assert.match(text, /\r\nConnection: close\r\n/);
      assert.equal(text.split('HTTP/1.1 ').length - 1, text === '' ? 0 : 1, 'one answer, then the end');
    });
  }

  test('the table is as long as it says', (context) => {
    context.diagnostic(`${INVALID.length} invalid requests, ${rig.pool.submitted.length} reached the pool`);
    assert.ok(INVALID.length >= 140);
    assert.equal(rig.pool.submitted.length, 0);
  });
});

describe('requests that must reach PHP', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
    rig.pool.answer = (request) => reply(request, 200, {}, `target ${request.target}`);
  });
  after(() => rig.close());

  for (const [name, bytes, target] of VALID) {
    test(name, async () => {
      const before = rig.pool.submitted.length;
      const text = await rig.exchange(bytes);
      assert.equal(statusOf(text.replace('HTTP/1.1 100 Continue\r\n\r\n', '')), 200, text.slice(0, 200));
      assert.equal(rig.pool.submitted.length, before + 1);
      assert.equal(rig.pool.submitted.at(-1)?.target, target);
    });
  }

  test('the table is as long as it says', (context) => {
    context.diagnostic(`${VALID.length} valid requests`);
    assert.ok(VALID.length >= 40);
  });
});

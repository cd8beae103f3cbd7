// An overload must not become an overload of the log.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RrtsError } from '../../../src/core/errors.ts';
import { ExchangeLog } from '../../../src/plugins/http/exchange-log.ts';
import { LogBook } from './http-rig.ts';

const request = { method: 'GET', target: '/', worker: undefined };

test('refusals of one kind: the first at once, then one a second that counts the others', (context) => {
  let now = 1000;
  context.mock.method(performance, 'now', () => now);
  const book = new LogBook();
  const log = new ExchangeLog(book);
  const full = new RrtsError('ERR_POOL_QUEUE_FULL', 'full');
  for (let index = 0; index < 500; index++) log.failed(request, full);
  log.failed(request, new RrtsError('ERR_POOL_QUEUE_TIMEOUT', 'late'));
  now += 1000;
  log.failed(request, full);
  assert.deepEqual(
    book.lines.map(({ level, message, facts }) => [level, message, facts['unlogged']]),
    [
      ['warn', 'full', undefined],
      ['warn', 'late', undefined],
      ['warn', 'full', 499],
    ],
  );
});

test('every request that a worker failed is logged', () => {
  const book = new LogBook();
  const log = new ExchangeLog(book);
  for (let index = 0; index < 3; index++)
    log.failed(request, new RrtsError('ERR_WORKER_DIED', 'died', { facts: { exitCode: 1 } }));
  assert.equal(book.lines.length, 3);
  assert.deepEqual(book.lines[0]?.facts, {
    method: 'GET',
    uri: '/',
    pid: undefined,
    exitCode: 1,
    code: 'ERR_WORKER_DIED',
  });
});

test('names of headers in the log are escaped and cut', () => {
  const book = new LogBook();
  new ExchangeLog(book).invalidHeaders(request, ['X\r\nforged', 'a'.repeat(1000)]);
  assert.deepEqual(book.lines[0]?.facts['headers'], ['X\\r\\nforged', 'a'.repeat(80)]);
});

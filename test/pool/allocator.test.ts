// How long a pool waits after boots that failed, and after boots that somebody killed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../src/core/logger.ts';
import { Allocator } from '../../src/pool/allocator.ts';

function startAllocator() {
  const waits: unknown[] = [];
  const logger = {
    ...silentLogger,
    error: (facts: object) => void waits.push((facts as Record<string, unknown>)['retryInMs']),
  };
  const owner = { missing: () => 0, spawnWorker: async () => undefined, spawnFailed: () => undefined };
  return { allocator: new Allocator(owner, logger), waits };
}

test('boots that fail wait longer and longer; one that succeeds starts afresh', () => {
  const { allocator, waits } = startAllocator();
  for (let i = 0; i < 3; i++) allocator.failed(new Error('broken'));
  assert.equal(allocator.failures, 3);
  allocator.succeeded();
  allocator.failed(new Error('broken'));
  allocator.close();
  assert.deepEqual(waits, [100, 400, 900, 100]);
});

test('boots that somebody kills are tried again soon, but not for ever', () => {
  const { allocator, waits } = startAllocator();
  for (let i = 0; i < 12; i++) allocator.failed(new Error('killed'), true);
  assert.equal(allocator.failures, 2);
  allocator.succeeded();
  allocator.failed(new Error('killed'), true);
  assert.equal(allocator.failures, 0);
  allocator.close();
  assert.deepEqual(waits, [...Array.from({ length: 10 }, () => 100), 100, 400, 100]);
});

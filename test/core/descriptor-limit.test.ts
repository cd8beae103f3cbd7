// The limit of open files, as Linux shows it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descriptorLimit, parseDescriptorLimit } from '../../src/core/descriptor-limit.ts';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             unlimited            unlimited            processes
Max open files            4096                 524288               files
Max locked memory         8388608              8388608              bytes
`;

test('the soft limit counts', () => {
  assert.equal(parseDescriptorLimit(LIMITS), 4096);
});

test('no limit, and no such line', () => {
  assert.equal(parseDescriptorLimit(LIMITS.replace('4096', 'unlimited')), undefined);
  assert.equal(parseDescriptorLimit(''), undefined);
});

test('of this process', { skip: process.platform === 'linux' ? false : 'not Linux' }, () => {
  assert.ok((descriptorLimit() ?? 0) > 0);
});

// Text from PHP must not forge a log line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeControls, quoteBytes } from '../../src/core/text.ts';

test('control characters become visible', () => {
  assert.equal(escapeControls('a\nb\r\tc\x1b[0m\x00\x7f\u2028é'), 'a\\nb\\r\\tc\\x1b[0m\\x00\\x7f\\u2028é');
});

test('bytes are quoted up to a limit', () => {
  assert.equal(quoteBytes(Buffer.from('ab\n')), '"ab\\n"');
  assert.equal(quoteBytes(Buffer.alloc(0)), '');
  assert.equal(quoteBytes(Buffer.from('abcdef'), 3), '"abc..."');
});

// The table of values that the PHP tests read too: bytes to value and back, and what is refused.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeMessagePack, encodeMessagePack } from '../../../src/protocol/rpc/message-pack.ts';
import { ROOT } from '../../helpers/paths.ts';

interface Vectors {
  readonly values: readonly { name: string; hex: string; value: unknown; js?: boolean }[];
  readonly refused: readonly { name: string; hex: string; times?: number; then?: string }[];
}

/** Far more than any of them takes, far less than what they announce. */
const MEMORY_LIMIT = 64 * 1024 * 1024;
const TIME_LIMIT_MS = 1000;

const vectors: Vectors = JSON.parse(readFileSync(join(ROOT, 'test/vectors/message-pack.json'), 'utf8'));

test('every value is read from its bytes and written to them', (t) => {
  let written = 0;
  for (const { name, hex, value, js = true } of vectors.values) {
    const expected = standsFor(value);
    assert.deepStrictEqual(decodeMessagePack(Buffer.from(hex, 'hex')), expected, name);
    if (!js) continue;
    assert.equal(encodeMessagePack(expected).toString('hex'), hex, name);
    written++;
  }
  t.diagnostic(`${vectors.values.length} values read, ${written} written`);
  assert.ok(vectors.values.length >= 40);
});

test('hostile bytes are refused in little time and memory', (t) => {
  for (const { name, hex, times = 1, then = '' } of vectors.refused) {
    const bytes = Buffer.from(hex.repeat(times) + then, 'hex');
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    assert.throws(() => decodeMessagePack(bytes), { code: 'ERR_RPC_ARGUMENT' }, name);
    assert.ok(performance.now() - start < TIME_LIMIT_MS, name);
    assert.ok(process.memoryUsage().heapUsed - before < MEMORY_LIMIT, name);
  }
  t.diagnostic(`${vectors.refused.length} refused`);
});

/** What a value of the file stands for in JavaScript. */
function standsFor(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(standsFor);
  if (typeof value !== 'object' || value === null) return value;
  const [kind, content] = Object.entries(value)[0] as [string, unknown];
  switch (kind) {
    case 'int':
      return BigInt(content as string);
    case 'float':
      return floatOf(content as string);
    case 'bytes':
      return Buffer.from(content as string, 'hex');
    default:
      return mapOf(content as [string | number, unknown][]);
  }
}

function floatOf(text: string): number {
  if (text === 'nan') return Number.NaN;
  if (text.endsWith('inf')) return text === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  return Number(text);
}

function mapOf(pairs: [string | number, unknown][]): Record<string, unknown> {
  const map: Record<string, unknown> = Object.create(null);
  for (const [key, item] of pairs) map[key] = standsFor(item);
  return map;
}

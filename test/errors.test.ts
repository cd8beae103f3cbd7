// The table of error codes, docs/errors.md and the sources name the same codes.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_CODES, type ErrorCode, isRrtsError, RrtsError } from '../src/core/errors.ts';
import { ROOT } from './helpers/paths.ts';

const codes = Object.keys(ERROR_CODES).sort();

test('docs/errors.md has every code once, with a meaning and a cure, and no other', () => {
  const text = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(ERR_[A-Z_]+)` \| (.+?) \| (.+?) \|$/gm)];
  assert.deepEqual(rows.map(([, code]) => code).sort(), codes);
  const mentioned = new Set([...text.matchAll(/ERR_[A-Z_]+/g)].map(([code]) => code));
  assert.deepEqual([...mentioned].sort(), codes);
});

test('the sources use no code that is not in the table', () => {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  const unknown = files.flatMap((path) => {
    const text = readFileSync(join(ROOT, 'src', path), 'utf8');
    const used = [...text.matchAll(/'(ERR_(?:CONFIG|LISTEN|PROTOCOL|WORKER|POOL|REQUEST|ON_INIT|STOP)[A-Z_]*)'/g)];
    return used
      .filter(([, code]) => !(code ?? '').endsWith('_') && !codes.includes(code ?? ''))
      .map(([, code]) => `${path}: ${code}`);
  });
  assert.deepEqual(unknown, []);
});

test('an error carries its code and details, and is known by them', () => {
  const cause = new Error('below');
  const error = new RrtsError('ERR_LISTEN', 'sentence', { place: 'a:1', cure: 'do', facts: { port: 1 }, cause });
  assert.deepEqual(
    [error.name, error.code, error.message, error.place, error.cure, error.facts, error.cause],
    ['RrtsError', 'ERR_LISTEN', 'sentence', 'a:1', 'do', { port: 1 }, cause],
  );
  assert.equal(isRrtsError(error), true);
  assert.equal(isRrtsError(Object.assign(new Error('x'), { code: 'ERR_LISTEN' satisfies ErrorCode })), true);
  assert.equal(isRrtsError(Object.assign(new Error('x'), { code: 'ENOENT' })), false);
  assert.equal(isRrtsError('ERR_LISTEN'), false);
});

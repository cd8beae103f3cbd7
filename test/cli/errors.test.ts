// How errors are printed and which exit code they end with.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT, exitCodeFor } from '../../src/cli/exit-codes.ts';
import { printableError } from '../../src/cli/print-error.ts';
import { RrtsError } from '../../src/core/errors.ts';
import { ROOT } from '../helpers/paths.ts';

test("a user's mistake: place, message and cure, no stack", () => {
  const error = new RrtsError('ERR_WORKER_SPAWN', 'cannot start php', { place: 'app.yaml:3:1', cure: 'Install PHP.' });
  assert.deepEqual(printableError(error), {
    text: 'rrts: app.yaml:3:1 cannot start php\n  Install PHP.\n',
    exitCode: 69,
  });
});

test('anything else is ours: a stack, and 70', () => {
  const { text, exitCode } = printableError(new TypeError('oops'));
  assert.match(text, /^rrts: internal error, please report it\nTypeError: oops\n\s+at /);
  assert.equal(exitCode, 70);
  assert.equal(printableError('text').exitCode, 70);
});

test('codes of one kind end alike', () => {
  assert.equal(exitCodeFor('ERR_CONFIG_SYNTAX'), EXIT.config);
  assert.equal(exitCodeFor('ERR_LISTEN'), EXIT.unavailable);
  assert.equal(exitCodeFor('ERR_WORKER_BOOT'), EXIT.unavailable);
  assert.equal(exitCodeFor('ERR_PROTOCOL_FRAME'), EXIT.unavailable);
  assert.equal(exitCodeFor('ERR_STOP_TIMEOUT'), EXIT.internal);
});

test('docs/cli.md and --help name every exit code', () => {
  const documents = ['docs/cli.md', 'src/cli/help.ts'].map((path) => readFileSync(join(ROOT, path), 'utf8'));
  for (const code of Object.values(EXIT)) {
    for (const text of documents) assert.match(text, new RegExp(`(\\| |\\n {2})${code} `));
  }
});

// What is told of the command of a program before it runs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandWarnings, programWords } from '../../../src/plugins/program/program-options.ts';

test('quotes around several words are told: no shell reads them', () => {
  for (const command of [`sh -c 'echo hi'`, `php -r "echo 1 + 1;"`, `run --name='two words' x`]) {
    const [warning, ...more] = commandWarnings(['nightly'], command);
    assert.deepEqual([warning?.path, more], [['nightly', 'command'], []], command);
    assert.match(warning?.message ?? '', /^is split on spaces/);
    assert.ok(
      programWords(command).some((word) => /^[^'"]*['"][^'"]*$/.test(word)),
      'a quote is cut from its other half',
    );
  }
});

test('quotes that split no word, and lists of words, are fine', () => {
  const fine = ['php x.php', `php -r "exit(7);"`, `echo it's`, ['sh', '-c', `echo 'a b'`], undefined];
  for (const command of fine) assert.deepEqual(commandWarnings(['nightly'], command), [], String(command));
});

// Variables in values.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the braces are what is tested

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { interpolate } from '../../src/server/interpolate.ts';

const ENVIRONMENT = { HOST: 'db', PORT: '5432', EMPTY: '', DOLLAR: '$HOST' };

describe('interpolate', () => {
  const cases: readonly (readonly [text: string, result: string])[] = [
    ['plain', 'plain'],
    ['$HOST', 'db'],
    ['${HOST}', 'db'],
    ['$HOST:$PORT', 'db:5432'],
    ['${HOST}:${PORT}', 'db:5432'],
    ['a${HOST}b', 'adbb'],
    ['${HOST:-x}', 'db'],
    ['${NONE:-x}', 'x'],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY}', ''],
    ['${NONE:-}', ''],
    // RoadRunner looks at the whole value for the first ":-" and gives an empty text for these.
    ['${NONE:-x}${HOST}', 'xdb'],
    ['${HOST}/${NONE:-a}/${NONE:-b}', 'db/a/b'],
    ['${NONE:-${HOST}}', 'db'],
    ['${NONE:-${NEITHER:-deep}}!', 'deep!'],
    ['${NONE:-a:-b}', 'a:-b'],
    ['${NONE:-tcp://127.0.0.1:80}', 'tcp://127.0.0.1:80'],
    ['$$HOST', '$HOST'],
    ['a$', 'a$'],
    ['$1 and $-', '$1 and $-'],
    ['$(command)', '$(command)'],
    // A value is put in as it is: no second round.
    ['$DOLLAR', '$HOST'],
  ];
  for (const [text, result] of cases) {
    test(`${text} becomes ${JSON.stringify(result)}`, () => {
      assert.deepEqual(interpolate(text, ENVIRONMENT), { text: result, unset: [], fault: undefined });
    });
  }

  test('a variable without value and default is empty and named', () => {
    assert.deepEqual(interpolate('a${NONE}b$NEITHER', ENVIRONMENT), {
      text: 'ab',
      unset: ['NONE', 'NEITHER'],
      fault: undefined,
    });
  });

  const faults: readonly (readonly [text: string, message: RegExp])[] = [
    ['${HOST', /"\$\{HOST" is never closed/],
    ['x${A:-${B}', /is never closed/],
    ['${}', /is not a variable/],
    ['${A-B}', /"\$\{A-B\}" is not a variable/],
    ['${A:=B}', /is not a variable/],
    ['${1A}', /is not a variable/],
    ['${NONE:-${}}', /is not a variable/],
  ];
  for (const [text, message] of faults) {
    test(`${text} is a fault`, () => assert.match(interpolate(text, ENVIRONMENT).fault ?? '', message));
  }
});

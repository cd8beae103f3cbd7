// rrts stubs: writes classes, finds stale ones, and says in one line what is wrong with a service.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { runCli } from './run-cli.ts';

const GOOD = `import { defineService, z } from 'rrts';
export const greetings = defineService({
  hello: { input: z.object({ name: z.string().default('you') }), output: z.string(), handler: ({ name }) => 'Hello ' + name },
});
`;

function app(services: Readonly<Record<string, string>> = { greetings: './greetings.ts' }): string {
  return stringify({
    version: '3',
    server: { command: 'php worker.php' },
    http: { address: '127.0.0.1:1' },
    bridge: { services },
  });
}

describe('rrts stubs', { concurrency: 2 }, () => {
  test('writes, is content, and finds what is stale or missing', async (t) => {
    const dir = makeTempDir('stubs');
    t.after(() => dir.remove());
    writeFileSync(dir.file('app.yaml'), app());
    writeFileSync(dir.file('greetings.ts'), GOOD);
    const stubs = (...words: string[]) => runCli(t, ['stubs', '-c', 'app.yaml', '-w', dir.path, ...words]);
    const missing = await stubs('--check');
    assert.deepEqual([missing.code, missing.stdout], [1, '']);
    assert.match(missing.stderr, /^src\/Node\/Greetings\.php is missing\nRun rrts stubs .*\n$/);
    const written = await stubs();
    assert.deepEqual([written.code, written.stdout, written.stderr], [0, 'wrote src/Node/Greetings.php\n', '']);
    const text = readFileSync(dir.file('src/Node/Greetings.php'), 'utf8');
    assert.match(text, /namespace App\\Node;[\s\S]*public function hello\(string \$name = 'you'\): string\n/);
    const again = await stubs();
    assert.deepEqual([again.code, again.stdout], [0, 'src/Node/Greetings.php is up to date\n']);
    assert.deepEqual([(await stubs('--check')).code, (await stubs('--check', '-s')).stdout], [0, '']);
    writeFileSync(dir.file('greetings.ts'), GOOD.replace("'you'", "'all'"));
    const stale = await stubs('--check');
    assert.equal(stale.code, 1);
    assert.match(stale.stderr, /^src\/Node\/Greetings\.php is not what the service says now\n/);
    const elsewhere = await stubs('--out', 'lib', '--namespace', '\\Acme\\Remote\\');
    assert.equal(elsewhere.stdout, 'wrote lib/Greetings.php\n');
    assert.match(readFileSync(dir.file('lib/Greetings.php'), 'utf8'), /^namespace Acme\\Remote;$/m);
  });

  const wrong: readonly [string, string, Readonly<Record<string, string>>, readonly string[], number, RegExp][] = [
    [
      'no file',
      app({ a: './gone.ts' }),
      {},
      [],
      69,
      /^rrts: bridge\.services\.a: the file \.\/gone\.ts does not exist/,
    ],
    [
      'no service in it',
      app(),
      { 'greetings.ts': 'export const a = 1;' },
      [],
      69,
      /greetings\.ts exports no service\n.*defineService/,
    ],
    [
      'two services in it',
      app(),
      { 'greetings.ts': `${GOOD}\nexport const more = greetings;` },
      [],
      69,
      /exports several services: greetings, more\n/,
    ],
    [
      'a syntax error',
      app(),
      { 'greetings.ts': `${GOOD}\nexport const const = 1;` },
      [],
      69,
      /^rrts: \/\S+\/greetings\.ts:6:13 bridge\.services\.greetings: .*cannot be loaded: \S/,
    ],
    [
      'it throws',
      app(),
      { 'greetings.ts': "\n\nthrow new Error('no key for the API');" },
      [],
      69,
      /^rrts: \S*greetings\.ts:3 bridge\.services\.greetings: .*no key for the API/,
    ],
    [
      'no schema',
      app(),
      { 'greetings.ts': GOOD.replace('z.string(),', "'text',") },
      [],
      69,
      /bridge\.services\.greetings: .*hello\.output: must be a schema of zod 4/,
    ],
    [
      'no type in PHP',
      app(),
      { 'greetings.ts': GOOD.replace("z.string().default('you')", 'z.map(z.string(), z.int())') },
      [],
      69,
      /^rrts: \.\/greetings\.ts greetings\.hello input\.name: a z\.map cannot come from or go to PHP/,
    ],
    ['no services', app({}), {}, [], 78, /^rrts: app\.yaml: there is no service to write a class for\n.*thumbnails/],
    [
      'one class twice',
      app({ 'a-b': './greetings.ts', aB: './greetings.ts' }),
      { 'greetings.ts': GOOD },
      [],
      78,
      /src\/Node\/AB\.php/,
    ],
    [
      'no namespace',
      app(),
      { 'greetings.ts': GOOD },
      ['--namespace', 'a-b'],
      78,
      /^rrts: --namespace a-b: must be a namespace/,
    ],
  ];
  for (const [name, yaml, files, words, expected, text] of wrong) {
    test(`a mistake: ${name}`, async (t) => {
      const run = await runCli(t, ['stubs', '-c', 'app.yaml', ...words], { files: { 'app.yaml': yaml, ...files } });
      assert.equal(run.code, expected, run.stderr);
      assert.match(run.stderr, text);
      assert.ok(run.stderr.trimEnd().split('\n').length <= 3, run.stderr);
    });
  }
});

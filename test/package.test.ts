// What npm would publish: everything that is needed to run, and nothing else.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { exists, ROOT } from './helpers/paths.ts';

interface PackReport {
  readonly files: readonly { readonly path: string }[];
}

describe('npm pack', () => {
  let paths: readonly string[] = [];

  before(async () => {
    const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      maxBuffer: 16 * 1024 * 1024,
      timeout: 60_000,
    });
    const [report] = JSON.parse(stdout) as [PackReport];
    paths = report.files.map(({ path }) => path);
  });

  test('has the program, the PHP package, the configurations and the documents', (t) => {
    const wanted = [
      'package.json',
      'LICENSE',
      '.rr.yaml.example',
      'config/app.yaml',
      'config/rrts.schema.json',
      'docs/config.md',
      'docs/errors.md',
      'php-client/composer.json',
      'php-client/src/Worker.php',
    ];
    for (const path of wanted) assert.ok(paths.includes(path), path);
    // Compiled by `npm run build`, which need not have run before the tests.
    if (!exists(join(ROOT, 'dist/cli/main.js'))) t.diagnostic('dist/ is not built; not looked for');
    else
      for (const path of ['dist/cli/main.js', 'dist/index.js', 'dist/index.d.ts'])
        assert.ok(paths.includes(path), path);
  });

  test('has nothing that users do not need', () => {
    const unwanted = paths.filter((path) =>
      /(^|\/)(test|tests|bench|examples|scripts|node_modules|vendor|\.ci|\.cache)\/|^src\//.test(path),
    );
    assert.deepEqual(unwanted, []);
  });
});

// What is made from the configuration schemas is as new as they are.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generatedFiles } from '../scripts/lib/generated-files.ts';
import { ROOT } from './helpers/paths.ts';

for (const [path, text] of generatedFiles()) {
  test(`${path} is what npm run schema writes`, () => {
    const written = readFileSync(join(ROOT, path), 'utf8');
    assert.ok(written === text, `${path} is stale: run npm run schema`);
  });
}

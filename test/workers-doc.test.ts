// docs/workers.md names every reason for which a worker can end.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT_REASONS } from '../src/worker/exit-reason.ts';
import { ROOT } from './helpers/paths.ts';

test('every reason is explained', () => {
  const text = readFileSync(join(ROOT, 'docs', 'workers.md'), 'utf8');
  for (const reason of EXIT_REASONS) assert.ok(text.includes(`\`${reason}\``), reason);
});

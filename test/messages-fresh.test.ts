// What is generated from proto/ is as new as the messages there.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bufRuns, generateMessages, MESSAGES_FOLDER } from '../scripts/lib/generated-messages.ts';
import { ROOT } from './helpers/paths.ts';
import { makeTempDir } from './helpers/temp-dir.ts';

test(`${MESSAGES_FOLDER} is what npm run proto writes`, async (t) => {
  if (!(await bufRuns())) return t.skip('buf does not run here');
  const dir = makeTempDir('messages');
  t.after(() => dir.remove());
  await generateMessages(dir.path);
  const committed = join(ROOT, MESSAGES_FOLDER);
  const names = readdirSync(dir.path).sort();
  assert.deepEqual(readdirSync(committed).sort(), names);
  for (const name of names) {
    const same = readFileSync(join(dir.path, name)).equals(readFileSync(join(committed, name)));
    assert.ok(same, `${name} is stale: run npm run proto`);
  }
  t.diagnostic(`${names.length} files compared`);
});

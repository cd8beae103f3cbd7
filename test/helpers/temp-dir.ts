// A folder for one test that is gone when the test is.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh folder; `remove` deletes it with all that is in it. */
export interface TempDir {
  readonly path: string;
  file(name: string): string;
  remove(): void;
}

/** Makes one. The owner calls `remove`, usually in `t.after`. */
export function makeTempDir(purpose = 'test'): TempDir {
  const path = mkdtempSync(join(tmpdir(), `rrts-${purpose}-`));
  return {
    path,
    file: (name) => join(path, name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

// Writes configuration files into a folder of their own and loads them the way the command line does.

import { writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { isRrtsError, type RrtsError } from '../../src/core/errors.ts';
import { type ConfigSources, type LoadedConfig, loadConfig } from '../../src/server/load-config.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';

/** What a test wants loaded: the text of app.yaml, and further files by name. */
export interface Wish extends Partial<Omit<ConfigSources, 'file'>> {
  readonly yaml: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** What came of it; paths of the folder are taken out of every text. */
export interface Outcome {
  readonly loaded: LoadedConfig | undefined;
  readonly error: RrtsError | undefined;
  /** One line for each problem. */
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
}

/** Loads; `DIR/` in texts stands for the folder. */
export function load(t: TestContext, wish: Wish): Outcome {
  const dir = makeTempDir('config');
  t.after(() => dir.remove());
  const fill = (text: string): string => text.replaceAll('DIR/', `${dir.path}/`);
  const strip = (text: string): string => text.replaceAll(`${dir.path}/`, '');
  for (const [name, text] of Object.entries({ 'app.yaml': wish.yaml, ...wish.files })) {
    writeFileSync(dir.file(name), fill(text));
  }
  const { yaml: _yaml, files: _files, dotenv, ...rest } = wish;
  try {
    const loaded = loadConfig({
      ...rest,
      dotenv: dotenv === undefined ? undefined : fill(dotenv),
      file: dir.file('app.yaml'),
    });
    const warnings = loaded.warnings.map(strip);
    return { loaded: { ...loaded, warnings }, error: undefined, lines: [], warnings };
  } catch (error) {
    if (!isRrtsError(error)) throw error;
    const place = error.place === undefined ? '' : `${strip(error.place)} `;
    return { loaded: undefined, error, lines: strip(place + error.message).split('\n'), warnings: [] };
  }
}

/** The start of a file that is right so far. */
export const GOOD = 'version: "3"\nserver: { command: php w.php }\n';

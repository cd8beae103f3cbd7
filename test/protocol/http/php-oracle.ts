// Asks the real PHP.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./parse-str.php', import.meta.url));

/** True when there is a `php` to ask. */
export const hasPhp = spawnSync('php', ['-v']).status === 0;

/**
 * What PHP makes of each input: of a query by `parse_str`, of a JSON text by `json_decode` with arrays. One process for all.
 * A value is a base64 string or a list of [type of key, key in base64, value].
 */
export function askPhp(command: 'parse_str' | 'json_decode', inputs: readonly Buffer[]): unknown[] {
  const input = JSON.stringify(inputs.map((bytes) => bytes.toString('base64')));
  const result = spawnSync('php', [SCRIPT, command], { input, maxBuffer: 256 * 1024 * 1024 });
  if (result.status !== 0) throw new Error(`php failed: ${result.stderr}`);
  return JSON.parse(result.stdout.toString()) as unknown[];
}

// Reads dotenv files.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { messageOf, RrtsError } from '../core/errors.ts';

/**
 * The variables of a dotenv file that `environment` does not have: what is set outside wins, as in RoadRunner. A relative path
 * starts from `directory`; default: the working directory of this process.
 * @throws RrtsError ERR_CONFIG_ENVIRONMENT when the file cannot be read.
 */
export function readDotenv(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
  place?: string,
  directory = '.',
): Record<string, string> {
  const added: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(readText(path, place, directory)))) {
    if (value !== undefined && environment[name] === undefined) added[name] = value;
  }
  return added;
}

function readText(path: string, place: string | undefined, directory: string): string {
  try {
    return readFileSync(resolve(directory, path), 'utf8');
  } catch (thrown) {
    throw new RrtsError('ERR_CONFIG_ENVIRONMENT', `the dotenv file ${path} cannot be read: ${messageOf(thrown)}`, {
      ...(place === undefined ? {} : { place }),
      cure: 'Check the path: it is relative to the working directory.',
      cause: thrown,
    });
  }
}

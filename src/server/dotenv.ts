// Reads dotenv files.

import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { messageOf, RrtsError } from '../core/errors.ts';

/**
 * The variables of a dotenv file that `environment` does not have: what is set outside wins, as in RoadRunner.
 * @throws RrtsError ERR_CONFIG_ENVIRONMENT when the file cannot be read.
 */
export function readDotenv(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
  place?: string,
): Record<string, string> {
  const added: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(readText(path, place)))) {
    if (value !== undefined && environment[name] === undefined) added[name] = value;
  }
  return added;
}

function readText(path: string, place: string | undefined): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw new RrtsError('ERR_CONFIG_ENVIRONMENT', `the dotenv file ${path} cannot be read: ${messageOf(thrown)}`, {
      ...(place === undefined ? {} : { place }),
      cure: 'Check the path: it is relative to the working directory.',
      cause: thrown,
    });
  }
}

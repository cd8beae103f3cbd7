// The keys of the driver `local`, and which directory they lead to.

import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { DriverContext } from '../driver.ts';

/** Keys in `config` of a pipeline. `file` and `permissions` are RoadRunner's. */
export const localShape = {
  dir: z
    .string()
    .min(1)
    .optional()
    .describe(
      'local: directory of its files, from the working directory; its parent must exist. Each pipeline needs its own. Default: var/jobs/NAME.',
    ),
  file: z
    .string()
    .min(1)
    .optional()
    .describe(
      'local, when dir is not set: as RoadRunner names a BoltDB file. That is not read or written: the jobs are in the directory FILE-rrts/NAME.',
    ),
  permissions: z
    .union([z.string(), z.int()])
    .refine((value) => /^0?[0-7]{3}$/.test(String(value)), 'must be three octal digits, such as "0600"')
    .optional()
    .describe('local: rights of its files, octal. Default: 0600.'),
} as const;

/** Where the files are, and whose they are. */
export interface LocalPlace {
  readonly directory: string;
  /** Directories above it that may be made, too: how many. */
  readonly parents: number;
  readonly mode: number;
  /** A BoltDB file that RoadRunner may have left. */
  readonly boltFile: string | undefined;
}

/** Reads the settings of a pipeline. */
export function placeOf(settings: Readonly<Record<string, unknown>>, context: DriverContext): LocalPlace {
  const { dir, file, permissions } = settings;
  const name = directoryName(context.pipeline);
  const mode = permissions === undefined ? 0o600 : Number.parseInt(String(permissions), 8);
  if (typeof dir === 'string') {
    return { directory: resolve(context.directory, dir), parents: 0, mode, boltFile: undefined };
  }
  if (typeof file === 'string') {
    const boltFile = resolve(context.directory, file);
    const directory = join(dirname(boltFile), `${basename(boltFile)}-rrts`, name);
    return { directory, parents: 1, mode, boltFile };
  }
  return { directory: resolve(context.directory, 'var/jobs', name), parents: 2, mode, boltFile: undefined };
}

/** A name that stays one directory, whatever somebody calls a pipeline over RPC. */
function directoryName(pipeline: string): string {
  const plain = pipeline.replace(/[^A-Za-z0-9_.-]/g, (character) => encodeURIComponent(character));
  return /^\.+$/.test(plain) ? plain.replaceAll('.', '%2E') : plain;
}

// Writes a zip that is the same whenever its files are.

import { createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { messageOf, RrtsError } from '../../core/errors.ts';
import type { PackageFile } from './package-files.ts';

/** The same for every file, in any time zone. Not 1970: opcache takes that for a file without a time. */
const MTIME = new Date(2000, 0, 1);
const REGULAR = 0o100000;

/**
 * Writes `path`, or leaves what was there.
 * @returns its size in bytes.
 * @throws RrtsError ERR_LAMBDA_PACK
 */
export async function writeZip(path: string, files: readonly PackageFile[]): Promise<number> {
  const part = `${path}.part`;
  try {
    const zip = new ZipFile();
    for (const { name, source, executable } of files) {
      const mode = REGULAR | (executable ? 0o755 : 0o644);
      const options = { mtime: MTIME, mode, forceDosTimestamp: true };
      if ('text' in source) zip.addBuffer(Buffer.from(source.text), name, options);
      else zip.addFile(source.path, name, options);
    }
    zip.end();
    const failed = new Promise<never>((_, reject) => void zip.once('error', reject));
    await Promise.race([pipeline(zip.outputStream, createWriteStream(part)), failed]);
    renameSync(part, path);
    return statSync(path).size;
  } catch (thrown) {
    rmSync(part, { force: true });
    throw new RrtsError('ERR_LAMBDA_PACK', `${path} cannot be written: ${messageOf(thrown)}`, { cause: thrown });
  }
}

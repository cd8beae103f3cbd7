// Writes one uploaded file to disk and says what became of it in PHP's error codes.

import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Upload } from '../../../protocol/http/head.ts';
import type { UploadOptions } from './limits.ts';
import { removeFiles, temporaryPath } from './temporary-files.ts';

/** PHP's UPLOAD_ERR constants, as far as a server meets them. */
export const UPLOAD_ERROR = { OK: 0, NO_FILE: 4, NO_TEMPORARY_DIRECTORY: 6, CANNOT_WRITE: 7, EXTENSION: 8 } as const;

/** Bytes of a file that are gathered before they are written: what one upload may hold in memory. */
const GATHER_BYTES = 256 * 1024;

/** A file to be received. All byte strings. */
export interface IncomingFile {
  readonly field: string;
  /** Without directories; empty when no file was chosen. */
  readonly name: string;
  readonly mime: string;
}

/** Where spooled files are noted, so that they are removed whatever happens later. */
export interface Spool {
  readonly options: UploadOptions;
  readonly paths: string[];
  onError(error: Error, path: string): void;
}

/**
 * Reads `content` to its end, into a new file with mode 0600 if it is to be kept. What goes wrong with the file is PHP's
 * to report (error 6 or 7), not a reason to refuse the request.
 * @throws what `content` throws: the client is gone. The file is then in `spool.paths` still.
 */
export async function spoolFile(content: Readable, file: IncomingFile, spool: Spool): Promise<Upload> {
  if (file.name === '') return refuse(content, { ...file, mime: '' }, UPLOAD_ERROR.NO_FILE);
  if (!isAllowed(file.name, spool.options)) return refuse(content, file, UPLOAD_ERROR.EXTENSION);
  const path = temporaryPath(spool.options.dir);
  const handle = await openFile(path, spool);
  if (handle === undefined) return refuse(content, file, UPLOAD_ERROR.NO_TEMPORARY_DIRECTORY);
  spool.paths.push(path);
  let size: number | undefined;
  try {
    size = await writeAll(content, handle, (error) => spool.onError(error, path));
  } finally {
    await handle.close().catch((error: Error) => spool.onError(error, path));
  }
  if (size !== undefined) return { ...file, size, error: UPLOAD_ERROR.OK, temporaryPath: path };
  await removeFiles([path], spool.onError);
  return { ...file, size: 0, error: UPLOAD_ERROR.CANNOT_WRITE, temporaryPath: '' };
}

/** Judges a file name by its extension, as `http.uploads` says. Trailing dots and spaces do not hide one. */
export function isAllowed(name: string, { forbid, allow }: Pick<UploadOptions, 'forbid' | 'allow'>): boolean {
  const extension = /\.([^.]*)$/.exec(name.replace(/[. ]+$/, ''))?.[1]?.toLowerCase() ?? '';
  const isIn = (list: readonly string[]) => list.some((entry) => entry.toLowerCase().replace(/^\./, '') === extension);
  return !isIn(forbid) && (allow.length === 0 || isIn(allow));
}

async function openFile(path: string, spool: Spool): Promise<FileHandle | undefined> {
  let handle: FileHandle | undefined;
  try {
    // wx: fails if the path exists, also as a symbolic link.
    handle = await open(path, 'wx', 0o600);
    const { owner } = spool.options;
    if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
    return handle;
  } catch (error) {
    spool.onError(error as Error, path);
    if (handle !== undefined) {
      await handle.close();
      await removeFiles([path], spool.onError);
    }
    return undefined;
  }
}

/**
 * Bytes written; undefined when writing failed. The content is read to its end in any case: the next part is behind it.
 * Chunks are gathered, because each write is a trip to Node's thread pool and costs more than the bytes do.
 */
async function writeAll(
  content: Readable,
  handle: FileHandle,
  onError: (error: Error) => void,
): Promise<number | undefined> {
  let size = 0;
  let failed = false;
  let gathered: Buffer[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const chunks = gathered;
    gathered = [];
    bytes = 0;
    try {
      size += await writeChunks(handle, chunks);
    } catch (error) {
      failed = true;
      onError(error as Error);
    }
  };
  for await (const chunk of content as AsyncIterable<Buffer>) {
    if (failed) continue;
    gathered.push(chunk);
    bytes += chunk.length;
    if (bytes >= GATHER_BYTES) await flush();
  }
  if (bytes > 0 && !failed) await flush();
  return failed ? undefined : size;
}

async function writeChunks(handle: FileHandle, chunks: readonly Buffer[]): Promise<number> {
  const wanted = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await handle.writev(chunks);
  // A write may take less than it was given, on a full disk above all.
  if (bytesWritten < wanted) await writeRest(handle, Buffer.concat(chunks).subarray(bytesWritten));
  return wanted;
}

async function writeRest(handle: FileHandle, rest: Buffer): Promise<void> {
  let written = 0;
  while (written < rest.length) written += (await handle.write(rest, written)).bytesWritten;
}

async function refuse(content: Readable, file: IncomingFile, error: number): Promise<Upload> {
  await drain(content);
  return { ...file, size: 0, error, temporaryPath: '' };
}

/** Reads to the end and forgets. */
export async function drain(content: Readable): Promise<void> {
  for await (const _ of content);
}

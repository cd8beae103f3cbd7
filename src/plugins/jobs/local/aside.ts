// Keeps damaged bytes for somebody who may still make something of them.

import type { FileHandle } from 'node:fs/promises';
import type { BadRange } from './scan.ts';
import type { OpenFile } from './store-error.ts';

const STEP = 1024 * 1024;

/** Copies a part of a file to a file beside it, and gives the name of that one: `FILE.corrupt-OFFSET`. */
export async function copyAside(path: string, file: FileHandle, range: BadRange, open: OpenFile): Promise<string> {
  const { from, to } = range;
  const copy = `${path}.corrupt-${from}`;
  const aside = await open(copy, 'w', 0o600);
  try {
    const bytes = Buffer.alloc(Math.min(to - from, STEP));
    for (let at = from; at < to; ) {
      const { bytesRead } = await file.read(bytes, 0, Math.min(bytes.length, to - at), at);
      if (bytesRead === 0) break;
      await aside.writeFile(bytes.subarray(0, bytesRead));
      at += bytesRead;
    }
    await aside.datasync();
  } finally {
    await aside.close();
  }
  return copy;
}

// Reads a zip as its directory tells it, and unpacks it with the modes of its files.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

/** One file of a zip. */
export interface ZipEntry {
  readonly name: string;
  readonly mode: number;
  readonly bytes: Buffer;
}

/** All files of a zip that needs no Zip64. */
export function readZip(path: string): ZipEntry[] {
  const zip = readFileSync(path);
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06'));
  const count = zip.readUInt16LE(end + 10);
  const entries: ZipEntry[] = [];
  for (let index = 0, at = zip.readUInt32LE(end + 16); index < count; index++) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ];
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const stored = zip.subarray(start, start + zip.readUInt32LE(at + 20));
    const bytes = zip.readUInt16LE(at + 10) === 0 ? stored : inflateRawSync(stored);
    entries.push({ name, mode: zip.readUInt32LE(at + 38) >>> 16, bytes });
    at += 46 + nameLength + extraLength + commentLength;
  }
  return entries;
}

/** Unpacks a zip into a folder. */
export function unzip(path: string, folder: string): void {
  for (const { name, mode, bytes } of readZip(path)) {
    const target = join(folder, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
    chmodSync(target, mode & 0o777);
  }
}

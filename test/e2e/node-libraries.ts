// examples/node-libraries as a test server, and how the size of an image is read from its bytes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../helpers/paths.ts';
import { type ConfigTree, type ServerProcess, spawnServer, waitUntilReady } from '../helpers/start-server.ts';

/** Its folder. */
export const EXAMPLE = join(ROOT, 'examples', 'node-libraries');

/** It loads a spreadsheet writer, an image library and a compiler of TypeScript: on a machine that is busy that takes its time. */
const READY_MS = 60_000;

/** The example as it is, on other ports, with the Redis of a port. The caller stops or discards it. */
export async function startExample(redisPort: number, more: ConfigTree = {}): Promise<ServerProcess> {
  const config = parse(readFileSync(join(EXAMPLE, 'app.yaml'), 'utf8')) as { http: ConfigTree };
  const { address: _, ...http } = config.http;
  const server = await spawnServer({
    config: { ...config, http, server: { command: ['php', 'worker.php'] }, ...more },
    cwd: EXAMPLE,
    environment: { REDIS_URL: `redis://127.0.0.1:${redisPort}` },
  });
  try {
    await waitUntilReady(server, READY_MS);
    return server;
  } catch (error) {
    await server.discard();
    throw error;
  }
}

/** Width and height of a lossy WebP file. */
export function webpSize(file: Buffer): [number, number] {
  const chunk = file.indexOf('VP8 ');
  assert.equal(file.toString('latin1', 0, 4) + file.toString('latin1', 8, 12), 'RIFFWEBP');
  assert.ok(chunk > 0, 'it has a lossy frame');
  return [file.readUInt16LE(chunk + 14) & 0x3fff, file.readUInt16LE(chunk + 16) & 0x3fff];
}

/** Width and height of a JPEG file. */
export function jpegSize(file: Buffer): [number, number] {
  assert.equal(file.readUInt16BE(0), 0xffd8);
  for (let at = 2; at < file.length; at += 2 + file.readUInt16BE(at + 2)) {
    const marker = file.readUInt16BE(at);
    if (marker >= 0xffc0 && marker <= 0xffc2) return [file.readUInt16BE(at + 7), file.readUInt16BE(at + 5)];
  }
  assert.fail('it has no frame');
}

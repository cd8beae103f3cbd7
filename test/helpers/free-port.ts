// A TCP port of this machine that nobody uses now.

import { once } from 'node:events';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Below the ports that the kernel gives to outgoing connections, of which the tests make thousands. */
const LOWEST = 12_000;
const HIGHEST = 32_000;

/** A claim that is older was left by a test process that was killed. */
const STALE_MS = 20 * 60_000;
const CLAIMS = join(tmpdir(), 'rrts-test-ports');
const claimed: string[] = [];

/** Picked at random, and claimed until this process ends: another test process must not get it before a server listens there. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (claim(port) && (await isFree(port, host))) return port;
  }
}

function claim(port: number): boolean {
  const path = join(CLAIMS, String(port));
  mkdirSync(CLAIMS, { recursive: true });
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && Date.now() - found.mtimeMs > STALE_MS) rmSync(path, { force: true });
  try {
    writeFileSync(path, '', { flag: 'wx' });
  } catch {
    return false;
  }
  if (claimed.length === 0) process.once('exit', releaseAll);
  claimed.push(path);
  return true;
}

function releaseAll(): void {
  for (const path of claimed) rmSync(path, { force: true });
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

// Other processes of this machine: does one live, and is it a server of ours?

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const LOOK_EVERY_MS = 50;

/** True while the process lives. One that has ended and whose parent has not taken notice does not live. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
  const stat = readProc(pid, 'stat');
  return stat === undefined || !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/**
 * True when the process lives and serves as `rrts serve` does. A pid that another program got since then is none; one whose
 * command line is hidden is taken for one, because nothing must be started or overwritten beside a server.
 */
export function isServer(pid: number): boolean {
  if (pid === process.pid || !isRunning(pid)) return false;
  const words = commandLine(pid);
  if (words === undefined) return true;
  const names = words.map((word) => basename(word));
  return words.includes('serve') && names.some((name) => /^(rrts|rr|main\.[jt]s)$/.test(name));
}

/** Waits until the process is gone. False when it lives after `ms`. */
export async function waitUntilGone(pid: number, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (isRunning(pid)) {
    if (performance.now() > end) return false;
    await pause(LOOK_EVERY_MS);
  }
  return true;
}

function commandLine(pid: number): string[] | undefined {
  const linux = readProc(pid, 'cmdline');
  if (linux !== undefined) return linux.split('\0').filter((word) => word !== '');
  try {
    const said = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', timeout: 2000 });
    return said.trim().split(/\s+/);
  } catch {
    return undefined;
  }
}

function readProc(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}

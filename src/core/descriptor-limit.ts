// How many files and sockets this process may have open.

import { readFileSync } from 'node:fs';

/** The limit (`ulimit -n`) that counts now; undefined where the system does not tell. Node has raised it as far as it may. */
export function descriptorLimit(): number | undefined {
  try {
    return parseDescriptorLimit(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    return undefined; // not Linux
  }
}

/** Reads it from the text of /proc/PID/limits. */
export function parseDescriptorLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+)\s/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

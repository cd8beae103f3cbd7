// The CPU time of a server and its children, which says what a request costs where other processes disturb the clock.

import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second in /proc; the kernel fixes it at 100 for user space on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of CPU that the processes and all their descendants have used; undefined where there is no /proc. */
export function cpuSeconds(roots: readonly number[]): number | undefined {
  const processes = readProcesses();
  if (processes === undefined) return undefined;
  const wanted = new Set(roots);
  let ticks = 0;
  // A child may stand before its parent: go on until a pass finds nobody new.
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const { pid, parent } of processes) if (wanted.has(parent)) wanted.add(pid);
  }
  for (const entry of processes) if (wanted.has(entry.pid)) ticks += entry.ticks;
  return ticks / TICKS_PER_SECOND;
}

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

function readProcesses(): ProcessTimes[] | undefined {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(readProcess)
      .filter((entry) => entry !== undefined);
  } catch {
    return undefined;
  }
}

function readProcess(name: string): ProcessTimes | undefined {
  try {
    const text = readFileSync(`/proc/${name}/stat`, 'latin1');
    // The second field is the name in parentheses, which may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid: Number(name), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}

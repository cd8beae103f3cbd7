// Memory and processor time of workers, read from the system when somebody asks.

import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { canReadMemory, pageBytes } from './resident.ts';

/** What one process uses. */
export interface WorkerUsage {
  readonly memoryBytes: number;
  /** Share of one core since the last reading, or since its start; above 1 for several threads. */
  readonly cpuRatio: number;
}

/** Reads the usage of processes; those that cannot be read are left out. Never rejects. */
export type UsageReader = (pids: readonly number[]) => Promise<ReadonlyMap<number, WorkerUsage>>;

/** A machine that is out of breath must not keep the scraper waiting for longer. */
const READ_TIMEOUT_MS = 1000;
/** Linux tells programs processor time in this unit, whatever it counts in itself. */
const TICKS_PER_SECOND = 100;

/** Where a process stood at a reading; times in seconds. */
interface Reading {
  readonly processor: number;
  /** After the start of the system. */
  readonly startedAt: number;
  /** By `performance.now()`. */
  readonly readAt: number;
}

/**
 * Makes a reader; each has readings of its own to compare with, so that those who ask do not disturb one another.
 * On Linux it reads /proc itself, because pidusage keeps a descriptor open for a minute or more for every process that ended.
 */
export function usageReader(): UsageReader {
  if (!canReadMemory()) return readWithPidusage;
  const page = pageBytes();
  let last = new Map<number, Reading>();
  return async (pids) => {
    const [found, readings] = [new Map<number, WorkerUsage>(), new Map<number, Reading>()];
    for (const pid of pids) {
      const stat = readStat(pid, page);
      if (stat === undefined) continue;
      readings.set(pid, stat);
      found.set(pid, { memoryBytes: stat.memoryBytes, cpuRatio: ratio(stat, last.get(pid)) });
    }
    last = readings;
    return found;
  };
}

function ratio(now: Reading, before: Reading | undefined): number {
  // The number may belong to another process by now.
  const known = before?.startedAt === now.startedAt ? before : undefined;
  const seconds = known === undefined ? uptime() - now.startedAt : now.readAt - known.readAt;
  return seconds > 0 ? (now.processor - (known?.processor ?? 0)) / seconds : 0;
}

/** Reads /proc/PID/stat, which counts memory in pages of so many bytes; undefined when the process is gone. */
function readStat(pid: number, page: number): (Reading & WorkerMemory) | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name in parentheses may hold anything, so what follows the last one counts.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const seconds = (index: number): number => Number(fields[index]) / TICKS_PER_SECOND;
  return {
    processor: seconds(11) + seconds(12),
    startedAt: seconds(19),
    readAt: performance.now() / 1000,
    memoryBytes: Number(fields[21]) * page,
  };
}

interface WorkerMemory {
  readonly memoryBytes: number;
}

/** For other systems, where pidusage asks `ps`. An empty result when it takes too long. */
const readWithPidusage: UsageReader = async (pids) => {
  const found = new Map<number, WorkerUsage>();
  if (pids.length === 0) return found;
  const { default: pidusage } = await import('pidusage');
  // One by one: pidusage rejects the whole list when one of the processes has just ended.
  const reading = Promise.all(
    pids.map(async (pid) => {
      try {
        const { memory, cpu } = await pidusage(pid);
        found.set(pid, { memoryBytes: memory, cpuRatio: cpu / 100 });
      } catch {
        // It is gone, or its system does not tell.
      }
    }),
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, READ_TIMEOUT_MS);
  });
  await Promise.race([reading, late]);
  clearTimeout(timer);
  return new Map(found);
};

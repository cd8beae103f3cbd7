// Memory and processor time of workers, read from the system when somebody asks.

import pidusage from 'pidusage';

/** What one process uses. */
export interface WorkerUsage {
  readonly memoryBytes: number;
  /** Share of one core since the last reading; above 1 for several threads. */
  readonly cpuRatio: number;
}

/** Reads the usage of processes; those that cannot be read are left out. */
export type UsageReader = (pids: readonly number[]) => Promise<ReadonlyMap<number, WorkerUsage>>;

/** A machine that is out of breath must not keep the scraper waiting for longer. */
const READ_TIMEOUT_MS = 1000;

/** Reads with pidusage. Never rejects; an empty result when it takes too long. */
export const readUsage: UsageReader = async (pids) => {
  const found = new Map<number, WorkerUsage>();
  if (pids.length === 0) return found;
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

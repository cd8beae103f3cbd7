// How long to wait before the next attempt to boot a worker.

/** Failures after which the wait starts to grow past a second: the code is broken, not unlucky. */
const PATIENT_FAILURES = 4;
const LONGEST_MS = 30_000;

/** Milliseconds to wait after `failures` boots failed in a row: 100, 400, 900, 1000, then doubling up to 30 s. */
export function backOff(failures: number): number {
  if (failures <= 0) return 0;
  if (failures <= PATIENT_FAILURES) return Math.min(failures * failures * 100, 1000);
  return Math.min(1000 * 2 ** (failures - PATIENT_FAILURES), LONGEST_MS);
}

// Bounds a wait: nothing that stops may keep the rest from stopping.

/**
 * Waits for `work`, at most `ms` milliseconds. True when it settled in time.
 * @throws what `work` rejects with; a rejection that comes too late is swallowed.
 */
export async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

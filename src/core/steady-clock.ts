// A clock that shows the time of day and never jumps.

/**
 * Milliseconds since 1970, whole: the time of day at the start of this process and what has passed since. A change of the system's clock
 * does not reach it, so that what shall happen in an hour happens in an hour. Not for what people read.
 */
export function steadyNow(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}

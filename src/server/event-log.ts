// A logger whose lines name the event that runs.

import type { LeveledLogger } from './logging.ts';

/** `logger` with the field `requestId` in each line while `current` gives one. Lines of PHP are among them: one event runs at a time. */
export function withRequestId(logger: LeveledLogger, current: () => string | undefined): LeveledLogger {
  const tagged = (facts: object): object => {
    const requestId = current();
    return requestId === undefined ? facts : { ...facts, requestId };
  };
  return {
    debug: (facts, message) => logger.debug(tagged(facts), message),
    info: (facts, message) => logger.info(tagged(facts), message),
    warn: (facts, message) => logger.warn(tagged(facts), message),
    error: (facts, message) => logger.error(tagged(facts), message),
    child: (bindings) => withRequestId(logger.child(bindings) as LeveledLogger, current),
    isLevelEnabled: (level) => logger.isLevelEnabled(level),
  };
}

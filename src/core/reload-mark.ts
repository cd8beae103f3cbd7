// The mark of a configuration key that says whether a running server can take over a change of it.

/**
 * For `.meta()` of a schema: a reload puts a change of this key, or of the keys below it, in force. What has no mark, and none above it,
 * needs a restart.
 */
export const LIVE = { 'x-reload': 'live' } as const;

/** For a key below a live one: a change of it needs a restart. */
export const RESTART = { 'x-reload': 'restart' } as const;

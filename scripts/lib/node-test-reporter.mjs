// A reporter for node:test that writes one JSON line per finished test, for node-tests.mjs to count.

/**
 * @param {AsyncIterable<{ type: string, data: any }>} source
 * @returns {AsyncGenerator<string>}
 */
// biome-ignore lint/style/noDefaultExport: node:test takes a reporter from the default export.
export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type === 'test:pass' || type === 'test:fail') yield `${JSON.stringify(finished(type, data))}\n`;
    else if (type === 'test:stderr')
      yield `${JSON.stringify({ kind: 'stderr', file: data.file, text: data.message })}\n`;
  }
}

/**
 * @param {string} type
 * @param {any} data
 */
function finished(type, data) {
  const error = data.details?.error;
  return {
    kind: type === 'test:pass' ? 'pass' : 'fail',
    name: data.name,
    file: data.file,
    nesting: data.nesting,
    suite: data.details?.type === 'suite',
    milliseconds: data.details?.duration_ms,
    skip: data.skip,
    todo: data.todo,
    failureType: error?.failureType,
    detail: error === undefined ? undefined : errorText(error),
  };
}

/** The runner wraps what the test threw; the person who reads wants the inner error. */
function errorText(/** @type {any} */ error) {
  const cause = error.cause ?? error;
  if (typeof cause === 'string') return cause;
  const text = cause.stack ?? cause.message ?? String(cause);
  return text.includes(cause.message ?? '') ? text : `${cause.message}\n${text}`;
}

// A reporter for node:test that writes one JSON line per finished test and per note of what it did, for node-tests.mjs to count.

/** A diagnostic that says how much a test of the faults suite did. */
const DID = /^\S+ did: /;

/**
 * @param {AsyncIterable<{ type: string, data: any }>} source
 * @returns {AsyncGenerator<string>}
 */
// biome-ignore lint/style/noDefaultExport: node:test takes a reporter from the default export.
export default async function* report(source) {
  // The runner reports one file after the other, so one stack of open suites serves all of them.
  const open = /** @type {string[]} */ ([]);
  for await (const { type, data } of source) {
    if (type === 'test:start') open.splice(data.nesting, Infinity, data.name);
    else if (type === 'test:pass' || type === 'test:fail') yield line(finished(type, data, open));
    else if (type === 'test:diagnostic' && DID.test(data.message)) yield line({ kind: 'note', text: data.message });
    else if (type === 'test:stderr') yield line({ kind: 'stderr', file: data.file, text: data.message });
  }
}

/** @param {object} event */
function line(event) {
  return `${JSON.stringify(event)}\n`;
}

/**
 * @param {string} type
 * @param {any} data
 * @param {string[]} open names of the suites around it
 */
function finished(type, data, open) {
  const error = data.details?.error;
  return {
    kind: type === 'test:pass' ? 'pass' : 'fail',
    name: data.name,
    suites: open.slice(0, data.nesting),
    file: data.file,
    nesting: data.nesting,
    isSuite: data.details?.type === 'suite',
    skip: data.skip,
    todo: data.todo,
    failureType: error?.failureType,
    detail: error === undefined ? undefined : errorText(error),
  };
}

/**
 * The runner wraps what the test threw; the person who reads wants the inner error.
 * @param {any} error
 */
function errorText(error) {
  const cause = error.cause ?? error;
  if (typeof cause === 'string') return cause;
  const text = cause.stack ?? cause.message ?? String(cause);
  return text.includes(cause.message ?? '') ? text : `${cause.message}\n${text}`;
}

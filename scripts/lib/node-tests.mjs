// Runs test files with node:test and counts every single test.
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT } from './paths.mjs';
import { run } from './run.mjs';
import { Tally } from './tally.mjs';

const REPORTER = join(ROOT, 'scripts', 'lib', 'node-test-reporter.mjs');
const STDERR_KEPT = 4000;

/**
 * @typedef {object} NodeTestOptions
 * @property {number} timeout milliseconds for the whole run
 * @property {number} testTimeout milliseconds for one file or test
 * @property {number} [concurrency] files at once
 * @property {NodeJS.ProcessEnv} [env] added to the environment of the tests
 */

/**
 * @param {string[]} files absolute paths; the caller lists them because the runner takes an empty list for success
 * @param {NodeTestOptions} options
 * @returns {Promise<Tally>}
 */
export async function runNodeTests(files, options) {
  const tally = new Tally();
  const collector = new Collector(tally, new Set(files));
  const result = await run(process.execPath, nodeArguments(files, options), {
    env: { ...options.env, NO_COLOR: '1', NODE_ENV: 'test' },
    timeout: options.timeout,
    onLine: (line) => collector.line(line),
  });
  if (result.timedOut) tally.fail('node --test', `stopped after ${Math.round(options.timeout / 1000)} s`);
  else if (result.code !== 0 && tally.failed.length === 0) tally.fail('node --test', `exit code ${result.code}`);
  if (tally.failed.length > 0 && result.output.trim() !== '') console.log(indent(result.output.trimEnd()));
  return tally;
}

/**
 * @param {string[]} files
 * @param {NodeTestOptions} options
 */
function nodeArguments(files, options) {
  return [
    '--import',
    'tsx',
    '--test',
    `--test-concurrency=${options.concurrency ?? availableParallelism()}`,
    `--test-timeout=${options.testTimeout}`,
    `--test-reporter=${REPORTER}`,
    '--test-reporter-destination=stdout',
    ...files,
  ];
}

class Collector {
  /** @type {Map<string, string>} */
  #stderr = new Map();

  /**
   * @param {Tally} tally
   * @param {Set<string>} files
   */
  constructor(tally, files) {
    this.tally = tally;
    this.files = files;
  }

  /** @param {string} text */
  line(text) {
    const event = parse(text);
    if (event === undefined) console.log(text);
    else if (event.kind === 'note') console.log(`  ${event.text}`);
    else if (event.kind === 'stderr') this.#keepStderr(event);
    else this.#count(event);
  }

  #count(/** @type {any} */ event) {
    const name = [this.#place(event), ...event.suites, event.name].join(' > ');
    if (event.kind === 'fail') this.#countFailure(event, name);
    else if (event.isSuite && event.skip === undefined) return;
    else if (event.skip !== undefined) this.tally.skip(name, reasonOf(event.skip));
    else if (event.todo !== undefined) this.tally.skip(name, `to do ${reasonOf(event.todo)}`);
    else if (this.#isEmptyFile(event)) this.#failAndPrint(name, 'the file has no test', event);
    else this.tally.pass();
  }

  /** A parent that fails only because a child did is not one more failure. */
  #countFailure(/** @type {any} */ event, /** @type {string} */ name) {
    if (event.failureType === 'subtestsFailed') return;
    if (event.todo !== undefined) this.tally.skip(name, `to do ${reasonOf(event.todo)}`);
    else this.#failAndPrint(name, event.detail, event);
  }

  #failAndPrint(/** @type {string} */ name, /** @type {string} */ detail, /** @type {any} */ event) {
    this.tally.fail(name, detail);
    console.log(`\n  failed: ${name}\n${indent(detail ?? '')}`);
    const stderr = this.#stderr.get(event.file ?? event.name);
    if (stderr) console.log(indent(`stderr of the file:\n${stderr.trimEnd()}`));
    this.#stderr.delete(event.file ?? event.name);
  }

  /** The runner reports a file that declares no test as one passed test with the name of the file. */
  #isEmptyFile(/** @type {any} */ event) {
    return event.nesting === 0 && (this.files.has(event.name) || this.files.has(join(ROOT, event.name)));
  }

  #keepStderr(/** @type {any} */ event) {
    const kept = (this.#stderr.get(event.file) ?? '') + event.text;
    this.#stderr.set(event.file, kept.slice(-STDERR_KEPT));
  }

  #place(/** @type {any} */ event) {
    return event.file === undefined ? '?' : relative(ROOT, event.file);
  }
}

/** @param {string} text */
function parse(text) {
  if (!text.startsWith('{"kind":')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {unknown} value true, or the reason as text */
function reasonOf(value) {
  return typeof value === 'string' ? value : '';
}

/** @param {string} text */
function indent(text) {
  return text.replace(/^/gm, '    ');
}

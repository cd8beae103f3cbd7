// Runs programs for the scripts: quiet when they succeed, their whole output when they fail.
import { spawn } from 'node:child_process';
import { ROOT } from './paths.mjs';

/** Exit code of sysexits.h for "a service or tool that is needed is not available". */
export const EXIT_UNAVAILABLE = 69;

/** A failure with a text that is meant for the person at the terminal, so it is printed without a stack. */
export class ScriptError extends Error {
  /**
   * @param {string} message
   * @param {number} [exitCode]
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.name = 'ScriptError';
    this.exitCode = exitCode;
  }
}

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] the repository when absent
 * @property {NodeJS.ProcessEnv} [env] added to the environment
 * @property {number} [timeout] milliseconds until the program and its process group are killed
 * @property {(line: string) => void} [onLine] gets every line of stdout as it comes
 *
 * @typedef {object} RunResult
 * @property {number} code exit code, 127 when the program does not exist, 1 when a signal ended it
 * @property {string} output stdout and stderr in the order they came (stderr alone when onLine takes stdout)
 * @property {boolean} timedOut
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/**
 * Runs a program to its end and never throws for its exit code.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<RunResult>}
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    // A process group of its own lets one signal reach everything the program started.
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    running.add(child);
    const chunks = /** @type {Buffer[]} */ ([]);
    let timedOut = false;
    const timer =
      options.timeout &&
      setTimeout(() => {
        timedOut = true;
        signalGroup(child, 'SIGTERM');
        setTimeout(() => signalGroup(child, 'SIGKILL'), 3000).unref();
      }, options.timeout);
    const lines = options.onLine && lineSplitter(options.onLine);
    child.stdout.on('data', (chunk) => (lines ? lines.push(chunk) : chunks.push(chunk)));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    const finish = (/** @type {number} */ code, extra = '') => {
      clearTimeout(timer || undefined);
      running.delete(child);
      lines?.end();
      resolve({ code, output: Buffer.concat(chunks).toString() + extra, timedOut });
    };
    child.once('error', (error) => finish(127, `${command}: ${error.message}\n`));
    child.once('exit', () => {
      // A grandchild that keeps the pipes open would hold back "close" for ever.
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, 2000).unref();
    });
    child.once('close', (code) => finish(code ?? 1));
  });
}

/**
 * Runs a program that must succeed.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<string>} its output
 * @throws {ScriptError} with the whole output when it fails
 */
export async function runOrFail(command, args, options = {}) {
  const result = await run(command, args, options);
  if (result.code === 0) return result.output;
  const reason = result.timedOut ? 'took too long' : `exit code ${result.code}`;
  throw new ScriptError(`${[command, ...args].join(' ')}: ${reason}\n${result.output.trimEnd()}`);
}

/**
 * Whether a program answers with exit code 0.
 * @param {string} command
 * @param {string[]} args
 */
export async function succeeds(command, args) {
  return (await run(command, args, { timeout: 10_000 })).code === 0;
}

/** Ends everything that `run` started and that still runs; for the moment the script itself is told to stop. */
export function stopAllRuns() {
  for (const child of running) signalGroup(child, 'SIGTERM');
}

/**
 * Runs the main function of a script: prints a ScriptError as text, and stops subprocesses on a signal.
 * @param {(takeSignals: (handler: () => void) => void) => Promise<number>} main gives the exit code; a script that has
 *   something of its own to stop takes the signals over
 */
export async function runScript(main) {
  let onSignal = exitSoon;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => onSignal());
  try {
    process.exitCode = await main((handler) => {
      onSignal = handler;
    });
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    console.error(error.message);
    process.exitCode = error.exitCode;
  }
}

function exitSoon() {
  stopAllRuns();
  setTimeout(() => process.exit(130), 500);
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function signalGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
}

/** @param {(line: string) => void} onLine */
function lineSplitter(onLine) {
  const decoder = new TextDecoder();
  let rest = '';
  return {
    push(/** @type {Buffer} */ chunk) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    },
    end() {
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}

// Runs `server.on_init`: one command before the first worker, such as a cache warm-up.

import { messageOf, RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { formatDuration } from '../core/scalars.ts';
import { commandWords } from '../worker/command.ts';
import type { ServerConfig } from '../worker/config.ts';
import { WorkerOutput } from '../worker/output.ts';
import { findLaunchers, guardedWords } from '../worker/spawn.ts';
import type { RunAs } from './privileges.ts';

/** From SIGTERM to SIGKILL for a command that is too slow or not wanted any more. */
const KILL_DELAY_MS = 2000;

/** Surroundings of the command. */
export interface OnInitOptions {
  readonly config: NonNullable<ServerConfig['onInit']>;
  readonly runAs: RunAs;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Ends the command when the server is asked to stop meanwhile. */
  readonly signal: AbortSignal;
}

/**
 * Runs the command; its output becomes log lines. A failure is a warning.
 * @throws RrtsError ERR_ON_INIT when it fails and `exit_on_error` is set.
 */
export async function runOnInit(options: OnInitOptions): Promise<void> {
  const { config, cwd, environment, logger, signal } = options;
  const command = commandWords(config.command);
  const [file = '', ...words] = wordsFor(command, options.runAs);
  const output = new WorkerOutput(logger);
  // Loaded for those who have such a command: it is a tenth of what a server loads.
  const { execa } = await import('execa');
  const variables = Object.entries(config.env).map(([name, value]) => [name.toUpperCase(), value]);
  try {
    const subprocess = execa(file, words, {
      cwd,
      env: { ...environment, ...Object.fromEntries(variables) },
      extendEnv: false,
      // WorkerOutput bounds what is kept; execa would keep everything.
      buffer: false,
      all: true,
      stdin: 'ignore',
      timeout: config.execTimeout,
      cancelSignal: signal,
      forceKillAfterDelay: KILL_DELAY_MS,
    });
    subprocess.all.on('data', (chunk: Buffer) => output.push(chunk));
    await subprocess;
    logger.info({ command: command.join(' ') }, 'server.on_init is done');
  } catch (thrown) {
    if (signal.aborted) return;
    const said = output.tail.length === 0 ? '' : `; it printed last: ${output.tail.join(' | ')}`;
    const error = new RrtsError('ERR_ON_INIT', `server.on_init failed: ${reason(thrown, config.execTimeout)}${said}`, {
      cure: 'Run the command by hand, or leave exit_on_error false to start all the same.',
      cause: thrown,
    });
    if (config.exitOnError) throw error;
    logger.warn({ code: error.code }, error.message);
  } finally {
    output.flush();
  }
}

/** As somebody else through setpriv; as ourselves without it, so that a command that does not exist is told as such. */
function wordsFor(command: readonly string[], { user, group }: RunAs): string[] {
  if (user === undefined && group === undefined) return [...command];
  return guardedWords({ words: command, user, group }, findLaunchers());
}

function reason(thrown: unknown, timeoutMs: number): string {
  if (typeof thrown !== 'object' || thrown === null) return messageOf(thrown);
  if ('timedOut' in thrown && thrown.timedOut === true) return `it ran longer than ${formatDuration(timeoutMs)}`;
  if ('exitCode' in thrown && typeof thrown.exitCode === 'number') return `it ended with code ${thrown.exitCode}`;
  if ('signal' in thrown && typeof thrown.signal === 'string') return `it was ended by ${thrown.signal}`;
  if ('code' in thrown && thrown.code === 'ENOENT') return 'the command was not found';
  return 'originalMessage' in thrown ? String(thrown.originalMessage) : messageOf(thrown);
}

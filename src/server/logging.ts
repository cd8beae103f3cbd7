// The logger of a running server: pino, set up from `logs:`.

import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { pino, stdSerializers } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { isRrtsError, messageOf, RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { LogOutput } from './log-output.ts';
import type { LogsConfig } from './logs-config.ts';

/** An open log. */
export interface Logs {
  readonly logger: LeveledLogger;
  /** Writes what is buffered, for at most a second, and closes the files. */
  close(): Promise<void>;
}

/** The logger with which plugins may ask whether a level is on before they gather facts. */
export interface LeveledLogger extends Logger {
  isLevelEnabled(level: string): boolean;
}

type Encoding = 'json' | 'console' | 'raw';

/** RoadRunner's most severe level has another name in pino. */
const PINO_LEVELS: Readonly<Record<string, string>> = { panic: 'fatal' };

/**
 * Opens the log.
 * @throws RrtsError ERR_CONFIG_INVALID when a file of `logs.output` cannot be opened.
 */
export function openLogs(config: LogsConfig): Logs {
  const { mode } = config;
  if (mode === 'none' || mode === 'off') return { logger: wrap(pino({ level: 'silent' })), close: async () => {} };
  const terminal = config.output.some((output) => isTerminal(output));
  const encoding = encodingOf(config, terminal);
  const outputs = config.output.map((output) => openOutput(output));
  const format = lineFormat(encoding, config.lineEnding, terminal);
  const write = (line: string): void => {
    const text = format(line);
    for (const output of outputs) output.write(text);
  };
  const level = config.level ?? (mode === 'development' ? 'debug' : 'info');
  const root = pino(
    {
      level: PINO_LEVELS[level] ?? level,
      base: null,
      // A known error says all in its message; a stack trace is for faults.
      serializers: {
        err: (error: unknown) => (isRrtsError(error) ? { code: error.code } : stdSerializers.err(error as Error)),
      },
      timestamp: encoding === 'json' ? nanoseconds : () => `,"time":${Date.now()}`,
      ...(encoding === 'json' ? { formatters: { level: (label: string) => ({ level: label }) } } : {}),
    },
    { write },
  );
  return {
    logger: wrap(root),
    close: async () => {
      await Promise.all(outputs.map((output) => output.close()));
    },
  };
}

/**
 * pino writes a key twice when a child logger sets it again. Children are therefore made from the root, with all
 * bindings merged: the `logger` of a worker's line is "server", whoever asked for the pool.
 */
function wrap(root: pino.Logger, bindings: Record<string, unknown> = { logger: 'rrts' }): LeveledLogger {
  const logger = root.child(bindings);
  return {
    debug: (facts, message) => logger.debug(facts, message),
    info: (facts, message) => logger.info(facts, message),
    warn: (facts, message) => logger.warn(facts, message),
    error: (facts, message) => logger.error(facts, message),
    child: (more) => wrap(root, { ...bindings, ...more }),
    isLevelEnabled: (level) => logger.isLevelEnabled(level),
  };
}

function encodingOf(config: LogsConfig, terminal: boolean): Encoding {
  if (config.mode === 'raw') return 'raw';
  if (config.encoding !== undefined) return config.encoding;
  if (config.mode === undefined) return terminal ? 'console' : 'json';
  return config.mode === 'production' ? 'json' : 'console';
}

/** Turns a line of pino's into what is written. */
function lineFormat(encoding: Encoding, lineEnding: string, terminal: boolean): (line: string) => string {
  const end = (text: string): string => (lineEnding === '\n' ? text : `${text.slice(0, -1)}${lineEnding}`);
  if (encoding === 'json') return end;
  if (encoding === 'raw') return (line) => end(`${(JSON.parse(line) as { msg?: string }).msg ?? ''}\n`);
  const pretty = prettyFactory({
    colorize: terminal && process.env['NO_COLOR'] === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'logger',
    messageFormat: '{logger}: {msg}',
    singleLine: true,
  });
  return (line) => end(pretty(line) ?? '');
}

/** RoadRunner's `ts`: nanoseconds since 1970. Written as text because the number is larger than a double holds exactly. */
function nanoseconds(): string {
  return `,"ts":${Date.now()}000000`;
}

function isTerminal(output: string): boolean {
  return (output === 'stdout' && isatty(1)) || (output === 'stderr' && isatty(2));
}

function openOutput(output: string): LogOutput {
  if (output === 'stdout' || output === 'stderr') return new LogOutput(output === 'stdout' ? 1 : 2, isTerminal(output));
  try {
    // Opened once to tell now, and not at the first line, that it cannot be written.
    closeSync(openSync(output, 'a'));
  } catch (thrown) {
    throw new RrtsError(
      'ERR_CONFIG_INVALID',
      `logs.output: the file ${output} cannot be written: ${messageOf(thrown)}`,
      {
        cure: 'Create its directory, or name another file.',
        cause: thrown,
      },
    );
  }
  return new LogOutput(output, false);
}

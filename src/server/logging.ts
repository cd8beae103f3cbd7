// The logger of a running server: pino, set up from `logs:`.

import { createRequire } from 'node:module';
import { isatty } from 'node:tty';
import { pino, stdSerializers } from 'pino';
import { isRrtsError, messageOf, RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { openLogFile } from './log-file.ts';
import { readable, safeLine } from './log-line.ts';
import { LogOutput } from './log-output.ts';
import type { LogsConfig } from './logs-config.ts';

/** An open log. */
export interface Logs {
  readonly logger: LeveledLogger;
  /** Changes the least level that is logged, also of child loggers. The rest of `config` does not count. */
  setLevel(config: LogsConfig): void;
  /** Writes a line to stderr, whatever the outputs of the log are, without level and time. */
  raw(line: string): void;
  /** Writes what is buffered, for at most a second, and closes the files. */
  close(): Promise<void>;
}

/** The logger with which plugins may ask whether a level is on before they gather facts. */
export interface LeveledLogger extends Logger {
  isLevelEnabled(level: string): boolean;
}

type Encoding = 'json' | 'console' | 'raw';

/** The least level that is logged, as pino's number, for a logger and all its children: pino's own children keep a copy. */
interface Threshold {
  value: number;
}

/**
 * Opens the log.
 * @throws RrtsError ERR_CONFIG_INVALID when a file of `logs.output` cannot be opened.
 */
export function openLogs(config: LogsConfig): Logs {
  const { mode } = config;
  if (mode === 'none' || mode === 'off') return silent();
  const terminal = config.output.some((output) => isTerminal(output));
  const encoding = encodingOf(config, terminal);
  const outputs = config.output.map((output) => openOutput(output));
  const stderr = outputs[config.output.indexOf('stderr')] ?? openOutput('stderr');
  const format = lineFormat(encoding, config.lineEnding, terminal);
  const write = (line: string): void => {
    const text = format(safeLine(line));
    for (const output of outputs) output.write(text);
  };
  const threshold: Threshold = { value: levelOf(config) };
  const root = pino(
    {
      level: 'debug',
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
    logger: wrap(root, threshold),
    setLevel: (changed) => {
      threshold.value = levelOf(changed);
    },
    raw: (line) => stderr.write(`${line}\n`),
    close: async () => {
      await Promise.all([...new Set([...outputs, stderr])].map((output) => output.close()));
    },
  };
}

function silent(): Logs {
  const stderr = openOutput('stderr');
  return {
    logger: wrap(pino({ level: 'silent' }), { value: Number.POSITIVE_INFINITY }),
    setLevel: () => undefined,
    raw: (line) => stderr.write(`${line}\n`),
    close: () => stderr.close(),
  };
}

function levelOf({ level, mode }: LogsConfig): number {
  const name = level ?? (mode === 'development' ? 'debug' : 'info');
  // RoadRunner's most severe level has another name in pino.
  return numberOf(name === 'panic' ? 'fatal' : name);
}

function numberOf(level: string): number {
  return pino.levels.values[level] ?? 0;
}

/**
 * pino writes a key twice when a child logger sets it again. Children are therefore made from the root, with all
 * bindings merged: the `logger` of a worker's line is "server", whoever asked for the pool.
 */
function wrap(
  root: pino.Logger,
  threshold: Threshold,
  bindings: Record<string, unknown> = { logger: 'rrts' },
): LeveledLogger {
  const logger = root.child(bindings);
  const log = (level: 'debug' | 'info' | 'warn' | 'error') => {
    const number = numberOf(level);
    return (facts: object, message: string): void => {
      if (number >= threshold.value) logger[level](facts, message);
    };
  };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (more) => wrap(root, threshold, { ...bindings, ...more }),
    isLevelEnabled: (level) => numberOf(level) >= threshold.value,
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
  if (encoding === 'raw') return (line) => end(`${readable(parse(line).msg ?? '')}\n`);
  // Loaded for a terminal alone.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  const pretty = prettyFactory({
    colorize: terminal && process.env['NO_COLOR'] === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'logger',
    messageFormat: '{logger}: {msg}',
    singleLine: true,
  });
  return (line) => {
    const facts = parse(line);
    return end(pretty({ ...facts, msg: readable(facts.msg ?? '') }) ?? '');
  };
}

function parse(line: string): { readonly msg?: string } {
  return JSON.parse(line);
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
    return new LogOutput(openLogFile(output), false);
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
}

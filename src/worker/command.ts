// From `server.command` to the words and the environment of a worker process.

import { basename } from 'node:path';

/** RoadRunner's version that the SDK packages are told, because some of them compare it. */
const ROADRUNNER_VERSION = '2025.1.5';

/**
 * Settings that a worker needs whatever php.ini says. opcache is off by default in the CLI, and without `php_only=0`
 * ext-msgpack creates objects from data.
 */
const PHP_SETTINGS = ['opcache.enable_cli=1', 'msgpack.php_only=0'];

/** A command as words. A string is split on commas, or else on spaces, as RoadRunner does; there is no shell. */
export function commandWords(command: string | readonly string[]): string[] {
  if (typeof command !== 'string') return [...command];
  const separator = command.includes(',') ? ',' : ' ';
  return command
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** The words with our PHP settings, when the first is a PHP binary: `php`, `php8.2`, `/usr/bin/php-cgi`. */
export function withPhpSettings(words: readonly string[]): string[] {
  const [binary = '', ...rest] = words;
  if (!/^php(-cgi)?[\d.]*$/.test(basename(binary))) return [...words];
  return [binary, ...PHP_SETTINGS.flatMap((setting) => ['-d', setting]), ...rest];
}

/** The script a command runs, for messages: the first word after the binary that is no option. */
export function scriptOf(words: readonly string[]): string {
  return words.slice(1).find((word) => !word.startsWith('-') && /\.(php|phar)$/.test(word)) ?? words.join(' ');
}

/** What a worker's environment is made of. */
export interface EnvironmentOptions {
  /** Environment of the master. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** `pipes`, `unix://path` or `tcp://host:port`. */
  readonly relay: string;
  /** Address of the RPC listener, when there is one. */
  readonly rpc: string | undefined;
  /** What a client of it has to say first. */
  readonly rpcToken?: string | undefined;
  /** `server.env`. */
  readonly extra: Readonly<Record<string, string>>;
  readonly mode: string;
  readonly version: string;
}

/** The environment of a worker, in RoadRunner's order: inherited, relay, rpc, `server.env` in upper case, version, mode. */
export function workerEnvironment(options: EnvironmentOptions): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.inherited)) {
    if (value !== undefined) environment[name] = value;
  }
  environment['RR_RELAY'] = options.relay;
  environment['RRTS_RELAY'] = options.relay === 'pipes' ? 'fd://3' : options.relay;
  if (options.rpc !== undefined) environment['RR_RPC'] = options.rpc;
  if (options.rpcToken !== undefined) environment['RRTS_RPC_TOKEN'] = options.rpcToken;
  for (const [name, value] of Object.entries(options.extra)) environment[name.toUpperCase()] = value;
  environment['RR_VERSION'] = ROADRUNNER_VERSION;
  environment['RRTS_VERSION'] = options.version;
  environment['RR_MODE'] = options.mode;
  return environment;
}

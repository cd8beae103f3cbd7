// The options that every command takes, and what commander makes of them.

import { type Command, Option } from 'commander';
import type { ConfigSources } from '../server/load-config.ts';

/** Global options as given. */
export interface GlobalOptions {
  /** The working directory, after -w, with its symbolic links. */
  readonly directory: string;
  readonly config: string;
  readonly override?: readonly string[];
  readonly workDir?: string;
  /** RoadRunner's spelling of the same. */
  readonly WorkDir?: string;
  readonly dotenv?: string;
  readonly silent?: boolean;
  /** Path of a pid file; true when -p is given without one. */
  readonly pid?: string | true;
  /** `rrts stop` stops at once. RoadRunner takes it everywhere. */
  readonly force?: boolean;
  /** PHP may run as root. */
  readonly allowRoot?: boolean;
}

/** Declares the options on the program, so that they may stand before or after the command, as with RoadRunner. */
export function addGlobalOptions(program: Command): Command {
  const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];
  return program
    .option('-c, --config <file>', 'configuration file, YAML or JSON', '.rr.yaml')
    .option('-o, --override <key=value>', 'set a configuration value; may be given many times', collect)
    .option('-w, --work-dir <dir>', 'change to this directory first; all paths are relative to it')
    .option('--dotenv <file>', 'read variables from a dotenv file; those that are set already win')
    .option('-s, --silent', 'print no banner and no warnings')
    .option('-p, --pid [file]', 'write the process id to this file while serving (default: .pid)')
    .option('--allow-root', 'let PHP run as root; the same as RRTS_ALLOW_ROOT=1 in the environment')
    .addOption(new Option('--WorkDir <dir>', "RoadRunner's spelling of --work-dir").hideHelp())
    .addOption(new Option('-d, --debug', "RoadRunner's Go profiler; accepted, does nothing").hideHelp())
    .addOption(new Option('-e, --enable-experimental', 'accepted for RoadRunner, does nothing').hideHelp())
    .addOption(new Option('-f, --force', 'for rrts stop: at once').hideHelp());
}

/** Where the configuration comes from. The environment is a copy: what dotenv files add to it later is no part of it. */
export function configSources(options: GlobalOptions): ConfigSources {
  return {
    file: options.config,
    overrides: options.override ?? [],
    dotenv: options.dotenv,
    environment: { ...process.env },
    directory: options.directory,
  };
}

/** True when PHP may run as root. The variable is for images whose command line is not yours. */
export function rootAllowed(options: GlobalOptions): boolean {
  return options.allowRoot === true || /^(1|true|yes|on)$/i.test(process.env['RRTS_ALLOW_ROOT'] ?? '');
}

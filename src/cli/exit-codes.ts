// The exit codes of rrts, after sysexits.h. docs/cli.md lists the same.

import type { ErrorCode } from '../core/errors.ts';

/** Exit codes by name. A server that a second signal stopped ends with 128 + the signal's number, such as 130. */
export const EXIT = {
  ok: 0,
  /** `rrts stubs --check` found a file that is not what it should be. */
  stale: 1,
  /** The command line is wrong. */
  usage: 64,
  /** Something that is needed cannot be had: the port is in use, PHP is missing, no worker can boot. */
  unavailable: 69,
  /** A fault in rrts or a plugin. */
  internal: 70,
  /** The configuration is missing or wrong, or lets PHP run as root. */
  config: 78,
} as const;

/** The exit code for an error that ended the command. */
export function exitCodeFor(code: ErrorCode): number {
  if (code.startsWith('ERR_CONFIG_') || code === 'ERR_ROOT_REFUSED') return EXIT.config;
  return code === 'ERR_STOP_TIMEOUT' || code === 'ERR_REQUEST_CANCELLED' ? EXIT.internal : EXIT.unavailable;
}

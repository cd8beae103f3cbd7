// What a command has to know of the configuration to reach the server that runs with it. Other mistakes in the file do not matter here.

import { isRrtsError } from '../../core/errors.ts';
import { type Address, parseAddress } from '../../core/scalars.ts';
import { type ConfigSources, loadUnchecked } from '../load-config.ts';

/** How to reach a server. */
export interface ClientSettings {
  /** `control.socket`. */
  readonly socket: string | undefined;
  /** `rpc.listen`, when there is an rpc section. */
  readonly rpc: Address | undefined;
  /** `rpc.token`, for a TCP address. */
  readonly token: string | undefined;
}

const DEFAULT_RPC: Address = { kind: 'tcp', host: '127.0.0.1', port: 6001 };

/**
 * Reads them. Laravel Octane names `rpc.listen` on the command line, with a file that is empty or not there.
 * @throws RrtsError as {@link loadUnchecked}.
 */
export function clientSettings(sources: ConfigSources): ClientSettings {
  const { control, rpc } = writtenOf(sources);
  const socket = textAt(control, 'socket');
  const written = textAt(rpc, 'listen') ?? '';
  if (rpc === undefined || written.trim() === 'none') return { socket, rpc: undefined, token: undefined };
  const address = parseAddress(written);
  const listen = typeof address === 'string' ? DEFAULT_RPC : address;
  const token = listen.kind === 'tcp' ? textAt(rpc, 'token') || undefined : undefined;
  return { socket, rpc: listen, token };
}

function writtenOf(sources: ConfigSources): Readonly<Record<string, unknown>> {
  try {
    return loadUnchecked(sources);
  } catch (thrown) {
    const { overrides = [] } = sources;
    const enough = overrides.some((override) => /^(rpc\.listen|control\.socket)=/.test(override.trim()));
    if (!enough || !isRrtsError(thrown) || thrown.code !== 'ERR_CONFIG_NOT_FOUND') throw thrown;
    return loadUnchecked({ ...sources, file: '/dev/null' });
  }
}

function textAt(section: unknown, key: string): string | undefined {
  if (typeof section !== 'object' || section === null) return undefined;
  const value = (section as Record<string, unknown>)[key];
  return typeof value === 'string' ? value : undefined;
}

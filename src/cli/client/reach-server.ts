// Finds the server that runs with a configuration: over its control socket, or else over rpc.listen.

import { dirname } from 'node:path';
import { RrtsError } from '../../core/errors.ts';
import { directoryFault } from '../../core/private-directory.ts';
import { type Address, formatAddress } from '../../core/scalars.ts';
import { AUTHENTICATE } from '../../plugins/rpc-listener/authentication.ts';
import { clientSettings } from '../../server/control/client-settings.ts';
import { clientSocketPaths } from '../../server/control/socket-path.ts';
import { configSources, type GlobalOptions } from '../options.ts';
import { RpcClient } from './rpc-client.ts';
import { QUICK_MS } from './server-report.ts';

/** A server that answers. `control` has all services, `rpc` those of RoadRunner only. */
export interface ReachedServer {
  readonly client: RpcClient;
  readonly via: 'control' | 'rpc';
}

/** Nobody is there: not worth a word when another way leads to a server, and what is expected when none runs. */
const NOBODY = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR']);

/**
 * Connects.
 * @param controlOnly - rpc.listen is not enough.
 * @throws RrtsError ERR_CONTROL_NO_SERVER, and those of the configuration.
 */
export async function reachServer(options: GlobalOptions, controlOnly = false): Promise<ReachedServer> {
  const { socket, rpc, token } = clientSettings(configSources(options));
  const uid = process.getuid?.() ?? 0;
  const place = { file: options.config, directory: options.directory, written: socket, environment: process.env, uid };
  const faults: string[] = [];
  for (const path of clientSocketPaths(place)) {
    // Root may command everybody's server, but nobody may command one that somebody else planted.
    const fault = directoryFault(dirname(path), uid === 0 ? undefined : uid);
    const client = fault === undefined ? await tryConnect({ kind: 'unix', path }, faults) : undefined;
    if (client !== undefined) return { client, via: 'control' };
    if (fault !== undefined && !fault.endsWith('does not exist')) faults.push(fault);
  }
  if (rpc !== undefined && !controlOnly) {
    const client = await tryConnect(rpc, faults);
    if (client !== undefined) return { client: await authenticated(client, token), via: 'rpc' };
  }
  throw noServer(options.config, [...new Set(faults)]);
}

async function authenticated(client: RpcClient, token: string | undefined): Promise<RpcClient> {
  try {
    if (token !== undefined) await client.call(AUTHENTICATE, token, QUICK_MS);
    return client;
  } catch (thrown) {
    client.close();
    throw thrown;
  }
}

async function tryConnect(address: Address, faults: string[]): Promise<RpcClient | undefined> {
  try {
    return await RpcClient.connect(address);
  } catch (thrown) {
    const { code = '', message } = thrown as NodeJS.ErrnoException;
    if (!NOBODY.has(code)) faults.push(`${formatAddress(address)}: ${code === '' ? message : code}`);
    return undefined;
  }
}

function noServer(config: string, faults: readonly string[]): RrtsError {
  const seen = faults.length === 0 ? '' : ` (${faults.join('; ')})`;
  return new RrtsError('ERR_CONTROL_NO_SERVER', `no server runs here with ${config}${seen}`, {
    cure: 'Start it with rrts serve, or name its configuration with -c as it was named at its start.',
  });
}

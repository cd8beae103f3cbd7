// The address of the http plugin: whether it is free, and what to say when it is not.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { messageOf, RrtsError } from '../../core/errors.ts';
import { type Address, formatAddress } from '../../core/scalars.ts';

/**
 * Takes the address for a moment, so that a second server is refused before its workers boot and not after. Somebody else may
 * still take it in between; then listening fails as it does anyway. A unix socket is not looked at.
 * @throws RrtsError ERR_LISTEN
 */
export async function refuseTaken(address: Address): Promise<void> {
  if (address.kind === 'unix' || address.port === 0) return;
  const probe = createServer();
  try {
    probe.listen({ port: address.port, host: address.host === '' ? '::' : address.host });
    await once(probe, 'listening');
  } catch (error) {
    if (address.host === '' && codeOf(error) === 'EAFNOSUPPORT') return;
    throw listenError(error, address);
  } finally {
    probe.close();
  }
}

const CURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Something listens there already: stop it, or set another http.address.',
  EACCES: 'This user may not listen there: take a port above 1023, or a directory it may write to.',
  EADDRNOTAVAIL: 'No interface of this machine has that address.',
  ENOTFOUND: 'The name of the host cannot be resolved.',
  ENOENT: 'The directory of the socket does not exist.',
};

/** ERR_LISTEN with what to do about it. */
export function listenError(error: unknown, address: Address): RrtsError {
  const place = formatAddress(address);
  const code = codeOf(error);
  const cure = CURES[code];
  const message = `http cannot listen on ${place}: ${code === '' ? messageOf(error) : code}`;
  return new RrtsError('ERR_LISTEN', message, { place, cause: error, ...(cure === undefined ? {} : { cure }) });
}

/** The code of a system error; empty for others. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

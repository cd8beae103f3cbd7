// The control socket of a running server: opened first and closed last, so that commands are answered while it boots and while it stops.

import { lstatSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, RrtsError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { makePrivateDirectory } from '../../core/private-directory.ts';
import { removeStaleSocket } from '../../core/unix-socket.ts';
import { RpcListener } from '../../plugins/rpc-listener/rpc-listener.ts';
import { DEFAULT_LIMITS, RpcRouter } from '../../plugins/rpc-router/router.ts';
import { type Services, serviceOf } from '../../plugins/rpc-router/services.ts';
import { usageReader } from '../../worker/usage.ts';
import { type ControlHost, controlMethods } from './control-services.ts';
import { SOCKET_NAME, type SocketPlace, serverSocketPaths } from './socket-path.ts';

/** For calls that run when the socket is closed. */
const CLOSE_GRACE_MS = 200;
/** A socket that nobody answers on may be one that is being made; an older one was left by a server that was killed. */
const STALE_MS = 60_000;
/** sockaddr_un holds 108 bytes with the final zero. */
const MAX_PATH_BYTES = 107;
const SOCKET_KEY = 'control.socket';

/** What is opened, and what is behind it. */
export interface ControlOptions {
  readonly host: ControlHost;
  /** What other listeners answer as well. */
  readonly services: Services;
  readonly place: SocketPlace;
  readonly logger: Logger;
}

/** Opens the socket. Never rejects: a server without one serves all the same, and a warning says why. @returns how to close it. */
export async function openControl({ host, services, place, logger }: ControlOptions): Promise<() => Promise<void>> {
  const control = serviceOf(controlMethods(host, usageReader()), { timeoutMs: 0 });
  const all = (): Services => new Map([...services, ['control', control]]);
  const router = new RpcRouter({ services: all, logger, limits: DEFAULT_LIMITS });
  const listener = new RpcListener({ router, logger, key: SOCKET_KEY });
  const paths = serverSocketPaths(place);
  if (paths.length === 0) return async () => undefined;
  try {
    const path = await listenOnFirst(listener, paths, place);
    logger.debug({ path }, `commands reach this server over ${path}`);
    if (place.written === undefined) await removeOldSockets(dirname(path), logger);
  } catch (thrown) {
    logger.warn(
      { code: 'ERR_LISTEN' },
      `there is no control socket, so commands cannot reach this server: ${messageOf(thrown)}`,
    );
  }
  return () => listener.close(CLOSE_GRACE_MS);
}

async function listenOnFirst(listener: RpcListener, paths: readonly string[], { uid }: SocketPlace): Promise<string> {
  const faults: string[] = [];
  for (const path of paths) {
    const fault =
      Buffer.byteLength(path) > MAX_PATH_BYTES ? `${path} is longer than ${MAX_PATH_BYTES} bytes` : undefined;
    const refused = fault ?? makePrivateDirectory(dirname(path), uid);
    if (refused !== undefined) faults.push(refused);
    else return await listen(listener, path);
  }
  throw new Error(`${faults.join('; ')}; ${SOCKET_KEY} names another place`);
}

async function listen(listener: RpcListener, path: string): Promise<string> {
  try {
    await listener.listen({ kind: 'unix', path });
    return path;
  } catch (thrown) {
    const cause = thrown instanceof RrtsError ? (thrown.cause as NodeJS.ErrnoException | undefined) : undefined;
    if (cause?.code !== 'EADDRINUSE') throw thrown;
    throw new Error(`another server with this configuration answers on ${path}; ${SOCKET_KEY} names another place`);
  }
}

/** What killed servers left beside ours would add up. */
async function removeOldSockets(directory: string, logger: Logger): Promise<void> {
  try {
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      const found = SOCKET_NAME.test(name) ? lstatSync(path, { throwIfNoEntry: false }) : undefined;
      if (found !== undefined && Date.now() - found.mtimeMs > STALE_MS) await removeStaleSocket(path);
    }
  } catch (thrown) {
    logger.debug({ err: thrown }, `old control sockets in ${directory} stay: ${messageOf(thrown)}`);
  }
}

// Node's HTTP server with every default that is unsafe set, and its events led to the connections.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { descriptorLimit } from '../../core/descriptor-limit.ts';
import { Connection, connectionOf } from './connection.ts';
import { REFUSALS, type Refusal } from './refusal.ts';
import { writeRefusal } from './respond.ts';
import type { HttpServices } from './services.ts';

/** Node looks for late requests only so often, so this is the precision of the header and body timeouts. */
const CHECK_INTERVAL_MS = 1000;

/** Room for what an internal client says of whom it stands for. */
const RELAYED_BYTES = 512 * 1024;

/** Most descriptors that are kept from clients: workers, uploaded files, logs and probes need some when every client has one. */
const RESERVED_DESCRIPTORS = 1000;

/** Makes the server; it does not listen yet. */
export function createHttpServer(services: HttpServices): Server {
  const { timeouts } = services.config;
  const server = createServer({
    // Node checks every 30 s by default: a header timeout of 5 s would take up to 35.
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, timeouts.headers || CHECK_INTERVAL_MS),
    // Both stand for what is set below: Node refuses the default of one beside a small other.
    headersTimeout: 0,
    requestTimeout: 0,
    insecureHTTPParser: false,
    // The request filter looks for Host itself: Node answers before it can see that headers were left out (431).
    requireHostHeader: false,
    noDelay: true,
  });
  server.timeout = 0;
  applySettings(server, services);
  listen(server, services);
  return server;
}

/** Limits and time-outs. Node looks at each when it needs it: those of the parser when a connection comes. */
export function applySettings(server: Server & { maxHeaderSize?: number }, services: HttpServices): void {
  const { timeouts, limits } = services.config;
  // No longer than that of the whole request; 0 is no limit, then body_idle alone bounds a body.
  server.headersTimeout =
    timeouts.body === 0 ? timeouts.headers : Math.min(timeouts.headers || timeouts.body, timeouts.body);
  server.requestTimeout = timeouts.body;
  server.keepAliveTimeout = timeouts.keepAlive;
  // Has no type, and is read from here when a parser is made (Node 20 to 26).
  server.maxHeaderSize = limits.headerBytes + (services.internal ? RELAYED_BYTES : 0);
  // One more than allowed, so that the filter sees that there were too many; Node drops the rest without a word.
  server.maxHeadersCount = limits.headerFields + 1;
  const most = connectionLimit(limits.connections, descriptorLimit());
  server.maxConnections = most;
  if (limits.connections > most)
    services.logger.warn({ connections: most }, tooFewDescriptors(limits.connections, most));
}

/**
 * Connections that may be open: as configured (0 for no limit), and fewer when the process may not open so many descriptors. Without
 * the reserve a crowd of idle clients would keep dead workers from being replaced.
 */
export function connectionLimit(configured: number, descriptors: number | undefined): number {
  const wanted = configured === 0 ? Number.POSITIVE_INFINITY : configured;
  if (descriptors === undefined) return wanted;
  return Math.min(wanted, descriptors - Math.min(RESERVED_DESCRIPTORS, Math.ceil(descriptors / 4)));
}

function tooFewDescriptors(configured: number, most: number): string {
  return `http.limits.connections: ${most} instead of ${configured}, because this process may not open more files (ulimit -n, LimitNOFILE)`;
}

function listen(server: Server, services: HttpServices): void {
  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    connectionOf(request.socket)?.receive(response);
  };
  server.on('connection', (socket) => new Connection(services, socket));
  server.on('drop', () => services.log.dropped(server.maxConnections));
  server.on('request', receive);
  // Both would else be answered by Node before the filter has seen the request.
  server.on('checkContinue', receive);
  server.on('checkExpectation', receive);
  server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    writeRefusal(socket, REFUSALS.method);
  });
  server.on('timeout', (socket) => connectionOf(socket)?.timedOut());
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => clientError(error, socket as Socket, services));
}

function clientError(error: NodeJS.ErrnoException, socket: Socket, services: HttpServices): void {
  const refusal = refusalOf(error);
  const connection = connectionOf(socket);
  if (refusal === undefined || connection === undefined) {
    socket.destroy();
    return;
  }
  services.logger.debug(
    { code: error.code, remoteAddress: connection.remoteAddress, status: refusal.status },
    refusal.text,
  );
  if (refusal === REFUSALS.timeout) connection.late();
  else connection.fault(refusal);
}

/** What to tell a client about an error of the parser; undefined for errors of the connection itself. */
function refusalOf(error: NodeJS.ErrnoException): Refusal | undefined {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return REFUSALS.headersTooLarge;
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return REFUSALS.tooLarge;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return REFUSALS.timeout;
    default:
      return error.code?.startsWith('HPE_') === true ? REFUSALS.malformed : undefined;
  }
}

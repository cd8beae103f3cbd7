// A TCP port of this machine that nobody uses now.

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** The kernel picks it, so two tests at once hardly ever get the same one. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

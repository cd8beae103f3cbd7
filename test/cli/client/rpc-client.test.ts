// The client of the commands against servers that answer, refuse, say nothing, and talk nonsense.

import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { RpcClient } from '../../../src/cli/client/rpc-client.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import type { Address } from '../../../src/core/scalars.ts';
import { RpcListener } from '../../../src/plugins/rpc-listener/rpc-listener.ts';
import { CallError } from '../../../src/plugins/rpc-router/method.ts';
import { DEFAULT_LIMITS, RpcRouter } from '../../../src/plugins/rpc-router/router.ts';
import { serviceOf } from '../../../src/plugins/rpc-router/services.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { within } from '../../helpers/wait-for.ts';

function socketPath(t: TestContext): Address & { kind: 'unix' } {
  const dir = makeTempDir('client');
  t.after(() => dir.remove());
  return { kind: 'unix', path: dir.file('s.sock') };
}

async function clientOf(t: TestContext, address: Address): Promise<RpcClient> {
  const client = await RpcClient.connect(address);
  t.after(() => client.close());
  return client;
}

async function rawServer(t: TestContext, talk: (socket: Socket) => void): Promise<RpcClient> {
  const address = socketPath(t);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    talk(socket);
  });
  await new Promise<void>((resolve) => server.listen(address.path, resolve));
  t.after(() => server.close());
  return clientOf(t, address);
}

test('results and refusals, side by side', async (t) => {
  const address = socketPath(t);
  const methods = serviceOf({
    Double: (argument) => Number(argument) * 2,
    Refuse: () => {
      throw new CallError('no, thank you');
    },
  });
  const services = () => new Map([['it', methods]]);
  const router = new RpcRouter({ services, logger: silentLogger, limits: DEFAULT_LIMITS });
  const listener = new RpcListener({ router, logger: silentLogger, key: 'k' });
  await listener.listen(address);
  t.after(() => listener.close(0));
  const client = await clientOf(t, address);
  const doubled = Array.from({ length: 50 }, (_, index) => client.call<number>('it.Double', index, 5000));
  await assert.rejects(client.call('it.Refuse', null, 5000), { code: 'ERR_CONTROL_CALL', message: 'no, thank you' });
  await assert.rejects(client.call('it.No', null, 5000), { message: "rpc: can't find method it.No" });
  assert.deepEqual(
    await Promise.all(doubled),
    Array.from({ length: 50 }, (_, index) => index * 2),
  );
  client.close();
  await assert.rejects(client.call('it.Double', 1, 5000), {
    code: 'ERR_CONTROL_CALL',
    message: /closed the connection/,
  });
});

test('a server that says nothing: an error in time', async (t) => {
  const client = await rawServer(t, () => undefined);
  await assert.rejects(client.call('it.Is', null, 50), {
    code: 'ERR_CONTROL_TIMEOUT',
    message: /did not answer it\.Is within 50ms/,
  });
});

test('a server that goes away, and one that speaks something else', async (t) => {
  const gone = await rawServer(t, (socket) => socket.once('data', () => socket.destroy()));
  await assert.rejects(gone.call('it.Is', null, 5000), { code: 'ERR_CONTROL_CALL', message: /closed the connection/ });
  const web = await rawServer(t, (socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  await assert.rejects(web.call('it.Is', null, 5000), { code: 'ERR_CONTROL_CALL', message: /does not speak RPC/ });
  await within(web.closed, 20_000, 'the end of the connection');
});

test('nobody is there', async (t) => {
  await assert.rejects(RpcClient.connect(socketPath(t)), { code: 'ENOENT' });
});

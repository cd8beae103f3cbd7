// What the kv service has answered outlives the server: a real one is killed while callers write.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { freePort } from '../helpers/free-port.ts';
import { spawnWithYaml } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { RpcClient } from '../plugins/rpc/rpc-client.ts';

interface Reply {
  readonly items?: readonly { readonly key: string; readonly value?: string }[];
}

const WRITERS = 8;
const LEAST = 200;

test('lmdb: every Set that was answered is there after kill -9, three times over', async (t) => {
  const dir = makeTempDir('kv');
  t.after(() => dir.remove());
  const port = await freePort();
  const yaml = stringify({
    version: '3',
    rpc: { listen: `tcp://127.0.0.1:${port}` },
    kv: { durable: { driver: 'lmdb', config: { file: dir.file('data.lmdb') } } },
    logs: { level: 'debug', encoding: 'json' },
  });
  const answered = new Map<string, string>();
  for (let round = 0; round < 3; round++) {
    const server = spawnWithYaml(yaml, {});
    t.after(() => server.discard());
    await server.waitForLog(({ text }) => text.includes('rpc listens'), 'of the listener', 20_000);
    await assertAllThere(port, answered);
    const before = answered.size;
    const writers = Array.from({ length: WRITERS }, (_, writer) => writeUntilCut(port, `${round}/${writer}`, answered));
    await eventually(() => answered.size >= before + LEAST, `${LEAST} answers`, 20_000);
    server.child.kill('SIGKILL');
    await Promise.all(writers);
    await server.ended;
  }
  const server = spawnWithYaml(yaml, {});
  t.after(() => server.discard());
  await server.waitForLog(({ text }) => text.includes('rpc listens'), 'of the listener', 20_000);
  await assertAllThere(port, answered);
  await server.stop();
  t.diagnostic(`${answered.size} answered writes, 3 kills, none lost`);
});

async function writeUntilCut(port: number, prefix: string, answered: Map<string, string>): Promise<void> {
  const client = new RpcClient({ port, host: '127.0.0.1' });
  for (let count = 0; ; count++) {
    const [key, value] = [`${prefix}/${count}`, `value ${count} of ${prefix}`];
    const items = [{ key, value: Buffer.from(value).toString('base64') }];
    try {
      await client.call('kv.Set', { storage: 'durable', items });
    } catch {
      return;
    }
    answered.set(key, value);
  }
}

async function assertAllThere(port: number, answered: ReadonlyMap<string, string>): Promise<void> {
  const client = new RpcClient({ port, host: '127.0.0.1' });
  const items = [...answered.keys()].map((key) => ({ key }));
  const reply = await client.call<Reply>('kv.MGet', { storage: 'durable', items });
  const found = new Map(reply.items?.map(({ key, value }) => [key, Buffer.from(value ?? '', 'base64').toString()]));
  assert.deepEqual(found, new Map(answered));
  client.socket.destroy();
}

// The RPC service `service`: what a client may ask for, and what it is told when that makes no sense.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { silentLogger } from '../../../src/core/logger.ts';
import type { CallContext, ProtoMethod } from '../../../src/plugins/rpc-router/method.ts';
import { serviceMethods } from '../../../src/plugins/service/methods.ts';
import { Services } from '../../../src/plugins/service/services.ts';
import { CreateSchema } from '../../../src/protocol/rpc/generated/service_pb.ts';
import { findLaunchers } from '../../../src/worker/spawn.ts';

function rig(t: TestContext) {
  const services = new Services({
    logger: silentLogger,
    launchers: findLaunchers(),
    directory: '/tmp',
    settings: () => ({
      environment: { PATH: process.env['PATH'] },
      rpcAddress: undefined,
      rpcToken: undefined,
      user: undefined,
      group: undefined,
    }),
  });
  t.after(() => services.stop(0));
  const methods = serviceMethods(services, async () => new Map());
  const handle = (methods['Create'] as ProtoMethod).handle as (message: unknown, call: CallContext) => Promise<unknown>;
  const ask = (init: MessageInitShape<typeof CreateSchema>) => handle(create(CreateSchema, init), {} as CallContext);
  return { services, ask };
}

test('what is not said has the default of RoadRunner', async (t) => {
  const { services, ask } = rig(t);
  assert.deepEqual(await ask({ name: 'x', command: 'sleep 600', env: { colour: 'red' } }), { ok: true, message: '' });
  assert.deepEqual(services.find('x').config, {
    command: 'sleep 600',
    processNum: 1,
    execTimeout: 0,
    remainAfterExit: false,
    restartSec: 30,
    timeoutStopSec: 5,
    stopSignal: 'SIGINT',
    serviceNameInLog: false,
    env: { colour: 'red' },
  });
});

const REFUSED: readonly [string, MessageInitShape<typeof CreateSchema>, RegExp][] = [
  ['no name', { command: 'sleep 600' }, /^service : name: must be a name of/],
  ['a name that forges a line', { name: 'a\nb', command: 'sleep 600' }, /^service "a\\nb": name: must be a name of/],
  ['no command', { name: 'x' }, /^service x: command: is empty$/],
  ['a command of spaces', { name: 'x', command: '   ' }, /^service x: command: is empty$/],
  ['too many processes', { name: 'x', command: 'sleep 600', processNum: 1001n }, /^service x: process_num: /],
  ['fewer than none', { name: 'x', command: 'sleep 600', processNum: -1n }, /^service x: process_num: /],
  [
    'a time before now',
    { name: 'x', command: 'sleep 600', execTimeout: -5n },
    /^service x: exec_timeout: must not be negative$/,
  ],
  ['a time beyond timers', { name: 'x', command: 'sleep 600', restartSec: 2n ** 63n }, /^service x: restart_sec: /],
];

for (const [what, init, message] of REFUSED) {
  test(`refused: ${what}`, async (t) => {
    const { services, ask } = rig(t);
    await assert.rejects(ask(init), (error) => {
      assert.ok(error instanceof Error && 'code' in error);
      assert.equal(error.code, 'ERR_RPC_ARGUMENT');
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(services.all, []);
  });
}

test('bytes that no program can be given are an error of the start', async (t) => {
  const { services, ask } = rig(t);
  for (const init of [
    { name: 'x', command: 'sleep\0 600' },
    { name: 'x', command: 'sleep 600', env: { A: 'b\0c' } },
  ]) {
    await assert.rejects(ask(init), { code: 'ERR_WORKER_SPAWN' });
  }
  assert.deepEqual(services.all, []);
});

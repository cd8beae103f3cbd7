// The plugin without workers: what is asked of it while they boot, and what is left of a pipeline that is gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { camelCased } from '../../../src/core/camel-case.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { jobsSchema } from '../../../src/plugins/jobs/config.ts';
import { jobsPlugin } from '../../../src/plugins/jobs/plugin.ts';
import type { PluginContext } from '../../../src/plugins/plugin.ts';
import type { Method, ProtoMethod } from '../../../src/plugins/rpc-router/method.ts';
import { within } from '../../helpers/wait-for.ts';
import { job } from './driver-contract.ts';
import { QueueRig } from './queue-rig.ts';

test('a pipeline that is declared while the workers boot names a pool that there will be', async () => {
  let booted: (thrown: Error) => void = () => undefined;
  let methods: Readonly<Record<string, Method>> = {};
  const context = {
    logger: silentLogger,
    directory: '/tmp',
    metrics: new Registry(),
    createPool: () => new Promise((_resolve, reject) => (booted = reject)),
    registerRpc: (_service: string, registered: Readonly<Record<string, Method>>) => (methods = registered),
    registerHealthCheck: () => undefined,
    section: () => undefined,
  } as unknown as PluginContext;
  const section = { pipelines: { work: { driver: 'memory', pool: 'heavy' } }, pools: { heavy: {} } };
  const plugin = jobsPlugin.create(camelCased(jobsSchema, jobsSchema.parse(section)), context);
  const started = plugin.start();
  const declare = async (pool: object): Promise<unknown> =>
    await (methods['Declare'] as ProtoMethod).handle(
      { pipeline: { name: 'mine', driver: 'memory', ...pool } } as never,
      {} as never,
    );
  const refused = { code: 'ERR_JOBS_INVALID', message: /there is no pool/ };
  await assert.rejects(declare({ pool: 'nowhere' }), refused);
  // Every pipeline of the file names another one: there is no default pool.
  await assert.rejects(declare({}), refused);
  await declare({ pool: 'heavy' });
  booted(new Error('it does not boot'));
  await assert.rejects(started, /it does not boot/);
  await within(plugin.stop(0), 20_000, 'the end');
});

test('runs of a pipeline that was destroyed count in the sums, also when they end later', async () => {
  const rig = new QueueRig();
  const work = await rig.add('work');
  work.resume();
  await rig.running('work', job('a'));
  await rig.running('work', job('b'));
  rig.pool.done('a');
  await rig.pipelines.destroy('work');
  assert.deepEqual([rig.pipelines.gone.pushed, rig.pipelines.gone.done], [2, 1]);
  const again = await rig.add('work');
  assert.equal(again.runs.length, 0, 'the job that runs is of the one before');
  rig.pool.done('b');
  assert.deepEqual([rig.pipelines.gone.pushed, rig.pipelines.gone.done], [2, 2]);
  assert.deepEqual([rig.pipelines.gone.pushed, rig.pipelines.gone.done], [2, 2]);
});

// The queue driver memory: the contract, and its own limit.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDriver } from '../../../src/plugins/jobs/memory/memory-driver.ts';
import { driverContract, job, now, Receiver } from './driver-contract.ts';

driverContract('memory', {
  open: async (t, context) => {
    const driver = new MemoryDriver(context, 1024 ** 3);
    await driver.start();
    t.after(() => driver.stop());
    return driver;
  },
});

test('memory: jobs count by their bytes, and a job that is done counts no more', async (t) => {
  const receiver = new Receiver();
  const driver = new MemoryDriver(receiver.context(), 10_000);
  t.after(() => driver.stop());
  const large = (id: string) => job(id, { payload: Buffer.alloc(4000) });
  await driver.push(now(large('a'), large('b')));
  await assert.rejects(driver.push(now(large('c'))), /the pipeline test is full/);
  driver.resume();
  receiver.all[0]?.ack();
  await driver.push(now(large('c')));
  await assert.rejects(driver.push(now(large('d'))), /is full/);
  receiver.all[1]?.release({ ...large('b'), payload: Buffer.alloc(0) }, 0);
  await driver.push(now(job('e', { payload: Buffer.alloc(3000) })));
});

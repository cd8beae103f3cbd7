// Memory and processor time of processes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { usageReader } from '../../src/worker/usage.ts';

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end) Math.sqrt(end);
}

test('our own usage is what Node says of it', async () => {
  const read = usageReader();
  const first = (await read([process.pid])).get(process.pid);
  const resident = process.memoryUsage.rss();
  assert.ok(first !== undefined && Math.abs(first.memoryBytes - resident) < resident / 4, `${first?.memoryBytes}`);
  assert.ok(first.cpuRatio > 0 && first.cpuRatio < 32, `${first.cpuRatio} since the start`);
  const [begin, used] = [performance.now(), process.cpuUsage()];
  work(300);
  const second = (await read([process.pid])).get(process.pid)?.cpuRatio ?? 0;
  const { user, system } = process.cpuUsage(used);
  const expected = (user + system) / 1000 / (performance.now() - begin);
  assert.ok(Math.abs(second - expected) < 0.2, `${second} instead of ${expected}`);
});

test('processes that are gone are left out, nothing rejects, and no descriptor stays open', async () => {
  const read = usageReader();
  const before = readdirSync('/proc/self/fd').length;
  for (let round = 0; round < 10; round++) {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const pid = child.pid as number;
    assert.deepEqual([...(await read([process.pid, pid, 999_999_999])).keys()], [process.pid, pid]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.deepEqual([...(await read([process.pid, pid])).keys()], [process.pid]);
  }
  assert.equal((await read([])).size, 0);
  assert.ok(readdirSync('/proc/self/fd').length <= before + 1);
});

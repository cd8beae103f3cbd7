// A user of Redis with no more rights than docs/jobs-redis.md says, and one who may not hear the channel.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT } from '../../../helpers/paths.ts';
import { startRedis } from '../../../helpers/redis.ts';
import { eventually } from '../../../helpers/wait-for.ts';
import { jobOf, newJobs, openQueue } from './open-queue.ts';

const LEASE_MS = 1000;
const rights = /needs `([^`]+)`/.exec(readFileSync(join(ROOT, 'docs/jobs-redis.md'), 'utf8'))?.[1] ?? 'none';

for (const channel of ['&rrts:jobs:*', '']) {
  test(`the rights of the documentation, ${channel === '' ? 'without' : 'with'} the channel`, async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const set = await redis.command(`ACL SETUSER app on >secret ~rrts:jobs:* resetchannels ${channel} ${rights}`);
    assert.equal(set, '+OK');
    const queue = await openQueue(t, { port: redis.port, username: 'app', password: 'secret', leaseMs: LEASE_MS });
    const { driver, deliveries, warnings, errors } = queue;
    driver.resume();
    await eventually(() => channel !== '' || warnings.length > 0, 'the warning');
    await driver.push([...newJobs(3), { job: jobOf('later'), delayMs: 300 }]);
    await eventually(() => deliveries.length === 4, 'the jobs');
    deliveries[0]?.ack();
    deliveries[1]?.release({ ...deliveries[1].job, attempt: 2 }, 10);
    await eventually(() => deliveries.length === 5, 'a retry');
    await pause(1.5 * LEASE_MS);
    assert.equal(deliveries.length, 5, 'leases are prolonged');
    assert.deepEqual(await driver.stats(), { waiting: 0, delayed: 0, reserved: 3 });
    await driver.destroy();
    assert.equal(await redis.command('DBSIZE'), ':0');
    assert.deepEqual(errors, []);
    if (channel === '') assert.match(warnings.join('\n'), /^.*cannot be heard: .*NOPERM.*looked for once a second$/);
    else assert.deepEqual(warnings, []);
  });
}

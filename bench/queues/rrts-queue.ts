// rrts with one of its queue drivers. The server stays between the rounds; its pipeline is paused while it is filled.

import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RpcClient } from '../../src/cli/client/rpc-client.ts';
import { Service } from '../service.ts';
import { freePort } from '../workspace.ts';
import { encodedMessage } from './messenger-queue.ts';
import { PAYLOAD, PHP, PROCESSES, type Queue, type QueuePlace } from './queue.ts';

/** Jobs of one push. */
const BATCH = 1000;
const CALL_MS = 60_000;
const DIGITS = 6;
const RETRY_MS = 50;

/** Which driver and which worker. */
export interface RrtsQueueOptions {
  readonly driver: 'memory' | 'local' | 'redis' | 'amqp';
  readonly script: 'native-jobs.php' | 'messenger-jobs.php';
}

/** Starts the server and connects to it. */
export async function openRrts(place: QueuePlace, { driver, script }: RrtsQueueOptions): Promise<Queue> {
  const { workspace, signal, counts } = place;
  const listen = await freePort();
  const settings = {
    'server.command': [...PHP, script].join(' '),
    'rpc.listen': `127.0.0.1:${listen}`,
    'jobs.pool.num_workers': PROCESSES,
    'jobs.pipelines.jobs.driver': driver,
    ...driverSettings(place, driver),
  };
  const overrides = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const config = join(workspace.root, 'bench', 'config', 'jobs.yaml');
  const server = await Service.start(
    {
      name: `rrts with the driver ${driver}`,
      command: [process.execPath, workspace.cli, 'serve', '--allow-root', '-c', config, ...overrides],
      cwd: join(workspace.root, 'bench', 'app'),
      env: { BENCH_COUNT: counts },
      listens: listen,
    },
    signal,
  );
  const client = await RpcClient.connect({ kind: 'tcp', host: '127.0.0.1', port: listen });
  const template = script === 'messenger-jobs.php' ? await encodedMessage(workspace.root) : PAYLOAD;
  const call = (method: string, argument: unknown) => client.call(`jobs.${method}`, argument, CALL_MS);
  await booted(call, signal);
  return {
    fill: async (count) => {
      for (let first = 0; first < count; first += BATCH) {
        const number = Math.min(BATCH, count - first);
        const jobs = Array.from({ length: number }, (_, index) => ({
          job: 'BenchJob',
          payload: template.replace('0'.repeat(DIGITS), String(first + index).padStart(DIGITS, '0')),
        }));
        await call('Send', { pipeline: 'jobs', jobs });
      }
    },
    consume: async () => {
      await call('Resume', { pipelines: ['jobs'] });
    },
    rest: async () => {
      await call('Pause', { pipelines: ['jobs'] });
    },
    pids: () => [server.pid],
    stop: async () => {
      client.close();
      await server.stop();
    },
  };
}

/** rpc listens before the queue is open and the workers have booted: nothing can be resumed until then. */
async function booted(call: (method: string, argument: unknown) => Promise<unknown>, signal: AbortSignal) {
  const deadline = Date.now() + CALL_MS;
  for (;;) {
    try {
      await call('Resume', { pipelines: ['jobs'] });
      await call('Pause', { pipelines: ['jobs'] });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await wait(RETRY_MS, undefined, { signal });
    }
  }
}

function driverSettings(place: QueuePlace, driver: RrtsQueueOptions['driver']): Record<string, string> {
  const key = 'jobs.pipelines.jobs.config';
  if (driver === 'redis') return { [`${key}.addrs`]: `127.0.0.1:${place.redisPort}` };
  if (driver === 'amqp') return { 'amqp.addr': place.amqpUrl ?? '' };
  if (driver === 'memory') return {};
  return { [`${key}.dir`]: `${place.counts}-store` };
}

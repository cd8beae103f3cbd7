// Symfony Messenger: messenger:consume as plain processes, its transport in redis.

import { join } from 'node:path';
import { execa } from 'execa';
import { Service } from '../service.ts';
import { PAYLOAD, PHP, PROCESSES, type Queue, type QueuePlace } from './queue.ts';

/** Nothing runs until jobs are to be taken. */
export async function openMessenger({ workspace, signal, counts, redisPort }: QueuePlace): Promise<Queue> {
  const cwd = join(workspace.root, 'bench', 'app');
  const env = {
    BENCH_COUNT: counts,
    BENCH_DSN: `redis://127.0.0.1:${redisPort}`,
    BENCH_PAYLOAD: PAYLOAD,
    APP_ENV: 'prod',
  };
  const command = [...PHP, 'messenger.php', 'messenger:consume', 'jobs', '--quiet', '--no-interaction'];
  let consumers: Service[] = [];
  const rest = async (): Promise<void> => {
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    consumers = [];
  };
  return {
    fill: async (count) => {
      await execa('php', ['messenger.php', 'fill', String(count)], { cwd, env, cancelSignal: signal });
    },
    consume: async () => {
      const start = () => Service.start({ name: 'messenger:consume', command, cwd, env }, signal);
      consumers = await Promise.all(Array.from({ length: PROCESSES }, start));
    },
    rest,
    pids: () => consumers.map(({ pid }) => pid),
    stop: rest,
  };
}

/** The body of a message as Messenger's own serializer writes it, for the payload number 000000. */
export async function encodedMessage(root: string): Promise<string> {
  const env = { BENCH_PAYLOAD: PAYLOAD };
  const { stdout } = await execa('php', ['messenger.php', 'encode'], { cwd: join(root, 'bench', 'app'), env });
  return stdout;
}

// Which rows of the case "jobs" cannot be measured on this machine, and why.

import { existsSync } from 'node:fs';
import { execa } from 'execa';
import type { QueueId } from './queue.ts';

const MESSENGER = '/usr/share/php/Symfony/Component/Messenger/Bridge/Redis/autoload.php';
const RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Rows and reasons. */
export async function missingQueues(): Promise<Map<QueueId, string>> {
  const missing = new Map<QueueId, string>();
  const { stdout } = await execa('php', ['-m'], { reject: false });
  if (!/^redis$/m.test(stdout)) missing.set('messenger', 'PHP has no redis extension (php-redis)');
  if (!existsSync(MESSENGER)) {
    missing.set('messenger', 'php-symfony-redis-messenger of Debian is not there');
    missing.set('jobsBus', 'php-symfony-messenger of Debian is not there');
  }
  if (!existsSync(RABBITMQ)) missing.set('jobsAmqp', 'rabbitmq-server is not there');
  return missing;
}

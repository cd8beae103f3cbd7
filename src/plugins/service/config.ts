// The `service:` section: RoadRunner's keys with RoadRunner's meanings.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { LIVE } from '../../core/reload-mark.ts';
import { duration } from '../../core/scalars.ts';

/** Processes of one service. */
export const MAX_PROCESSES = 1000;

/** A timer cannot be set for longer. */
const LONGEST_SECONDS = 2_147_483;

/** What a service may be called: it stands in logs and metrics. */
export const SERVICE_NAME = /^[\w.:@ -]{1,128}$/;

/** Schema of one service. */
export const serviceKeys = z.strictObject({
  command: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe('What runs: "php consume.php", or a list of words. There is no shell: a string is split on spaces.'),
  process_num: z.int().min(1).max(MAX_PROCESSES).default(1).describe('How many processes.'),
  exec_timeout: duration().default(0).describe('Longest time of one run; then it is ended. 0 for no limit.'),
  remain_after_exit: z.boolean().default(false).describe('Start it again when it has ended.'),
  restart_sec: z
    .number()
    .min(0)
    .max(LONGEST_SECONDS)
    .default(30)
    .describe('Seconds between an end and the next start. Runs that end at once wait longer each time, up to 30 s.'),
  timeout_stop_sec: z
    .number()
    .min(0)
    .max(LONGEST_SECONDS)
    .default(5)
    .describe('Seconds between stop_signal, which asks it to end, and SIGKILL.'),
  stop_signal: z
    .enum(['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'])
    .default('SIGINT')
    .describe('Asks its process group to end. Messenger before Symfony 6.3 finishes its message on SIGTERM only.'),
  service_name_in_log: z
    .boolean()
    .default(false)
    .describe('The logger of its lines is service.NAME. Otherwise it is service; the name is a field of each line.'),
  env: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .default({})
    .describe('Added to its environment. Names are written in upper case, as RoadRunner does.'),
  user: z
    .string()
    .min(1)
    .optional()
    .describe('Run it as this user, with its primary group (needs root). Default: server.user and server.group.'),
});

/** What is wrong with a name that is none. */
export const NO_SERVICE_NAME = 'must be a name of letters, digits, spaces and . : @ _ -';

/** Schema of `service:`. */
export const serviceSchema = z
  .record(z.string().regex(SERVICE_NAME, NO_SERVICE_NAME), serviceKeys)
  .meta(LIVE)
  .describe('Programs that rrts starts and watches, by name.');

/** `service:` as parsed, names in camelCase. */
export type ServiceSection = CamelCased<z.output<typeof serviceSchema>>;

/** One service. */
export type ServiceConfig = ServiceSection[string];

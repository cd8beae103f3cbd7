// The `server:` section: how workers are started.

import { z } from 'zod';
import type { CamelCased } from '../core/camel-case.ts';
import { RESTART } from '../core/reload-mark.ts';
import { duration } from '../core/scalars.ts';

const command = z
  .union([z.string().min(1), z.array(z.string()).min(1)])
  .describe(
    'The worker: "php worker.php", or a list of words. There is no shell: a string is split on commas, or else on spaces.',
  );

/** Schema of `server:`. */
export const serverSchema = z.strictObject({
  command,
  relay: z
    .string()
    .meta(RESTART)
    .regex(/^(pipes|unix:\/\/.+|tcp:\/\/.+:\d+)$/, 'must be pipes, unix://path or tcp://host:port')
    .default('pipes')
    .describe('Channel between rrts and its workers. pipes needs no address and is the fastest.'),
  env: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .default({})
    .describe('Added to the environment of every worker. Names are written in upper case, as RoadRunner does.'),
  user: z
    .string()
    .optional()
    .describe('Run workers as this user, with its supplementary groups and no way to more privileges. Needs root.'),
  group: z
    .string()
    .optional()
    .describe('Run workers as this group. Default: the primary group of server.user. Needs root.'),
  scheduling: z
    .enum(['batch', 'normal'])
    .default('batch')
    .describe(
      'Class of the workers for the scheduler of Linux. batch: a worker that gets a request waits until whoever runs has used its turn, which saves switches between processes: more requests per second when the processors are busy. normal: it may push others aside.',
    ),
  on_init: z
    .strictObject({
      command,
      exec_timeout: duration().default(60_000).describe('Longest time it may take.'),
      user: z
        .string()
        .optional()
        .describe('Run it as this user, with its primary group (needs root). Default: server.user and server.group.'),
      exit_on_error: z.boolean().default(false).describe('Do not start when it fails.'),
      env: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
    })
    .meta(RESTART)
    .optional()
    .describe('A command to run once before the first worker.'),
});

/** `server:` as parsed. */
export type ServerSection = z.output<typeof serverSchema>;

/** How workers are started, names in camelCase, durations in milliseconds. */
export type ServerConfig = CamelCased<ServerSection>;

// The `cron:` section: what is done when. RoadRunner has none.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { LIVE } from '../../core/reload-mark.ts';
import { duration } from '../../core/scalars.ts';
import { isTimezone, scheduleProblem, systemTimezone } from './schedule.ts';

/** What an entry may be called: it is part of file names, locks and metrics. */
const ENTRY_NAME = /^[A-Za-z0-9][\w.-]{0,127}$/;

const ACTIONS = ['job', 'route', 'command'] as const;

/** Drivers of queues that have no unique jobs. */
const WITHOUT_UNIQUE: ReadonlySet<string> = new Set(['amqp']);

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const text = z.string().regex(/^[^\r\n\0]*$/, 'must be one line');

const jobSchema = z.strictObject({
  pipeline: z.string().min(1).describe('Name of a pipeline of jobs.pipelines.'),
  name: z.string().min(1).describe('What is to be done: the name of a class, as a rule.'),
  payload: z.string().default('').describe('Text that the job is given.'),
  headers: z
    .record(z.string().min(1), z.union([z.string(), z.array(z.string())]))
    .default({})
    .describe('Headers of the job. rrts-cron and rrts-cron-time, the name and the time of the occurrence, are added.'),
  priority: z.int().min(0).optional().describe('Lower ones first. Default: that of the pipeline.'),
  delay: duration().optional().describe('The job may be run so much later.'),
  timeout: duration().optional().describe('Longest run of the job. Default: timeout of the pipeline.'),
  max_attempts: z.int().min(1).optional().describe('Runs that may fail. Default: retry.max_attempts of the pipeline.'),
  unique: z
    .string()
    .min(1)
    .optional()
    .describe(
      'While a job with this key waits or runs, no second one is pushed. Default with overlap skip: one of the entry.',
    ),
});

const routeSchema = z.strictObject({
  method: z
    .string()
    .regex(HEADER_NAME, 'must be a method such as POST')
    .transform((method) => method.toUpperCase())
    .default('POST')
    .describe('Method of the request.'),
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, 'must begin with / and have no spaces: write others as %20')
    .describe('Path and query of the request, which goes to http.address.'),
  headers: z
    .record(z.string().regex(HEADER_NAME, 'must be the name of a header'), text)
    .default({})
    .describe(
      'Headers of the request. Who can reach the server can call the route: a secret in a header keeps others out.',
    ),
  body: z.string().default('').describe('Body of the request.'),
});

const entrySchema = z
  .strictObject({
    schedule: z
      .string()
      .describe(
        'Five fields (minute hour day month weekday), six with seconds before them, or @hourly, @daily, @weekly, @monthly, @yearly.',
      ),
    timezone: z
      .string()
      .refine(isTimezone, 'is no time zone: write a name such as Europe/Berlin or UTC')
      .optional()
      .describe('Time zone of the schedule. Default: that of the system.'),
    job: jobSchema.optional().describe('Push a job. One of job, route and command.'),
    route: routeSchema.optional().describe('Send a request to the application. A status of 400 or more is a failure.'),
    command: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .optional()
      .describe(
        'Run a program, as server.user. There is no shell: a text is split on spaces. A code other than 0 is a failure.',
      ),
    overlap: z
      .enum(['skip', 'allow'])
      .default('skip')
      .describe('skip: no second run while one is under way (of a job: waits or runs). allow: they run side by side.'),
    missed: z
      .enum(['skip', 'run_once'])
      .default('skip')
      .describe(
        'When the time passed while the server was down or asleep. run_once: one run as soon as it is back, however many were missed.',
      ),
    timeout: duration()
      .default(3_600_000)
      .describe(
        'Longest run of a command or request; then it is ended. For a job: how long a push that fails is tried again.',
      ),
    jitter: duration().default(0).describe('Each run begins by chance up to so much later.'),
    lock: z
      .boolean()
      .optional()
      .describe(
        'One run for each occurrence across all servers that share the locks. Default: true when lock.driver is redis.',
      ),
  })
  .superRefine((entry, context) => {
    const complain = (path: string[], message: string): void => {
      context.issues.push({ code: 'custom', message, input: entry, path });
    };
    const { schedule, timezone = systemTimezone() } = entry;
    const problem = isTimezone(timezone) ? scheduleProblem(schedule, timezone) : undefined;
    if (problem !== undefined) complain(['schedule'], problem);
    const [first, second] = ACTIONS.filter((key) => entry[key] !== undefined);
    if (first === undefined) complain([], 'has nothing to do: add job, route or command');
    if (second !== undefined) complain([second], `cannot stand beside ${first}: an entry does one thing`);
  });

/** Schema of `cron:`. */
export const cronSchema = z
  .record(z.string().regex(ENTRY_NAME, 'must be a name of letters, digits and . _ -'), entrySchema)
  .meta(LIVE)
  .describe('What is done at which times, by name.');

/** `cron:` as parsed, names in camelCase. */
export type CronSection = CamelCased<z.output<typeof cronSchema>>;

/** One entry. */
export type EntryConfig = CronSection[string];

/** The job of an entry that pushes one. */
export type JobConfig = NonNullable<EntryConfig['job']>;

/** The request of an entry that sends one. */
export type RouteConfig = NonNullable<EntryConfig['route']>;

/** What an entry does, for people. */
export function whatItDoes({ job, route, command }: EntryConfig): string {
  if (job !== undefined) return `push ${job.name} to ${job.pipeline}`;
  if (route !== undefined) return `${route.method} ${route.path}`;
  return typeof command === 'string' ? command : (command ?? []).join(' ');
}

interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/** What an entry needs of other sections and does not find there. `sections` are those of the plugins, names in camelCase. */
export function missingParts(config: CronSection, sections: ReadonlyMap<string, unknown>): readonly Problem[] {
  return Object.entries(config).flatMap(([name, { job, route, lock, overlap }]) => {
    const problems: Problem[] = [];
    const jobs = sections.get('jobs');
    const pipeline = job === undefined ? undefined : pipelineProblem(job.pipeline, jobs);
    if (pipeline !== undefined) problems.push({ path: [name, 'job', 'pipeline'], message: pipeline });
    const unique = job === undefined ? undefined : uniqueProblem(job, overlap, jobs);
    if (unique !== undefined) problems.push({ path: [name, ...unique.path], message: unique.message });
    if (route !== undefined && !sections.has('http')) {
      problems.push({ path: [name, 'route'], message: 'needs an http: section, which answers it' });
    }
    if (lock === true && member(sections.get('lock'), 'driver') !== 'redis') {
      problems.push({ path: [name, 'lock'], message: 'needs lock: with driver redis, which other servers share' });
    }
    return problems;
  });
}

function pipelineProblem(wanted: string, jobs: unknown): string | undefined {
  if (jobs === undefined) return `there is no jobs: section, and so no pipeline ${wanted}`;
  const pipelines = Object.keys(Object(member(jobs, 'pipelines')));
  if (pipelines.includes(wanted)) return undefined;
  return `there is no pipeline ${wanted}; jobs.pipelines has ${pipelines.length === 0 ? 'none' : pipelines.join(', ')}`;
}

/** Without unique keys nobody can tell whether the job of an earlier run waits still. */
function uniqueProblem(job: JobConfig, overlap: EntryConfig['overlap'], jobs: unknown): Problem | undefined {
  const driver = String(member(member(member(jobs, 'pipelines'), job.pipeline), 'driver'));
  if (!WITHOUT_UNIQUE.has(driver)) return undefined;
  const why = `the driver ${driver} of pipeline ${job.pipeline} has no unique jobs`;
  if (job.unique !== undefined) return { path: ['job', 'unique'], message: why };
  return overlap === 'allow' ? undefined : { path: ['overlap'], message: `must be allow: ${why}` };
}

function member(section: unknown, key: string): unknown {
  return (Object(section) as Readonly<Record<string, unknown>>)[key];
}

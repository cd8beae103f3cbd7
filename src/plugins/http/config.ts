// The `http:` section: RoadRunner's keys with RoadRunner's meanings, and ours beside them.

import { tmpdir } from 'node:os';
import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { LIVE, RESTART } from '../../core/reload-mark.ts';
import { address, duration, size } from '../../core/scalars.ts';
import { poolSchema } from '../../pool/config.ts';
import { ROUTABLE_METHODS } from './route-table.ts';
import { routeProblems } from './routes.ts';

/** What `max_request_size: 0` means: RoadRunner documents "no limit", its code puts this number in, in MiB. */
const ROADRUNNER_MAX_REQUEST_SIZE = 1000;

const uploadsSchema = z.strictObject({
  dir: z
    .string()
    .optional()
    .transform((dir) => (dir === undefined || dir === '' ? tmpdir() : dir))
    .describe('Directory for uploaded files while their request runs. Default: the temporary directory of the system.'),
  forbid: z
    .array(z.string())
    .default([])
    .describe('File extensions, with the dot, that get PHP error 8. Wins over allow.'),
  allow: z.array(z.string()).default([]).describe('When not empty: every other extension gets PHP error 8.'),
});

const staticHeadersSchema = z.strictObject({
  request: z.record(z.string(), z.string()).default({}).describe('Added to every request that PHP sees.'),
  response: z.record(z.string(), z.string()).default({}).describe('Set on every response that does not have them.'),
});

const timeoutsSchema = z.strictObject({
  headers: duration()
    .default(10_000)
    .describe(
      'Longest time from the first byte of a request to the end of its headers; then 408. Behind requests of the same connection that are still being answered it begins when the connection is read again.',
    ),
  body_idle: duration().default(30_000).describe('Longest pause between two parts of a request body; then 408.'),
  body: duration()
    .default(0)
    .describe(
      'Longest time for a whole request with its body; then 408. 0 turns it off: a slow upload holds no worker.',
    ),
  send_idle: duration()
    .default(60_000)
    .describe('Longest time a client may take no bytes of its response; then it is cut off.'),
  keep_alive: duration().default(75_000).describe('How long an idle connection is kept open. 0: for ever.'),
});

const limitsSchema = z.strictObject({
  header_bytes: size()
    .default(16 * 1024)
    .describe('Request line and headers together; more gets 431.'),
  header_fields: z.int().min(1).max(900).default(100).describe('Header fields of a request; more get 431.'),
  uri_bytes: size()
    .default(8 * 1024)
    .describe('Length of the request target; more gets 414.'),
  requests_per_connection: z
    .int()
    .min(0)
    .default(1000)
    .describe('A connection is closed after so many requests. 0: never.'),
  connections: z
    .int()
    .min(0)
    .default(10_000)
    .describe(
      'Open connections; one more is closed at once. 0: no limit. Fewer when the process may not open so many files (ulimit -n).',
    ),
  memory: size()
    .default(0)
    .describe('Memory that rrts itself may use, PHP not counted; above it new requests get 503. 0: no limit.'),
});

const httpPoolSchema = poolSchema.extend({
  codec: z
    .enum(['json', 'proto'])
    .default('json')
    .describe(
      'Head of requests to workers that use the RoadRunner packages: json works with every version, proto needs spiral/roadrunner-http 3.5.',
    ),
});

const routeSchema = z.strictObject({
  path: z
    .string()
    .describe(
      'Pattern of the path: /import, /reports/*, /user/:id. How the path is encoded and the query do not count.',
    ),
  methods: z
    .array(
      z
        .string()
        .toUpperCase()
        .refine((method) => ROUTABLE_METHODS.includes(method), 'is no method that a request may have'),
    )
    .optional()
    .describe('Methods, such as [GET, POST]; GET means HEAD too. Default: every method.'),
  pool: z.string().optional().describe('One of http.pools. Default: the pool of http.pool.'),
  exec_ttl: duration()
    .optional()
    .describe("Longest time such a request may run, instead of its pool's supervisor.exec_ttl. 0: no limit."),
});

const httpKeys = z.strictObject({
  address: address()
    .meta(RESTART)
    .describe('Where to listen: 0.0.0.0:8080, :8080 (every interface), [::1]:8080, unix:///run/app.sock.'),
  internal_error_code: z.int().min(400).max(599).default(500).describe('Status when the worker answers with an error.'),
  error_codes: z
    .enum(['rrts', 'roadrunner'])
    .default('rrts')
    .describe(
      'rrts: 502, 503 or 504 after what went wrong. roadrunner: internal_error_code with an empty body for everything.',
    ),
  max_request_size: z
    .int()
    .min(0)
    .default(ROADRUNNER_MAX_REQUEST_SIZE)
    .transform((megabytes) => (megabytes === 0 ? ROADRUNNER_MAX_REQUEST_SIZE : megabytes))
    .describe('Largest request body in MB; more gets 413. 0 means 1000.'),
  raw_body: z.boolean().default(false).describe('Hand forms and uploads to PHP as they came, unparsed.'),
  access_logs: z
    .boolean()
    .default(false)
    .describe(
      'One "http access log" line per request at level info. Without it "http log" lines appear when the level is debug.',
    ),
  middleware: z
    .array(z.string())
    .default([])
    .describe('RoadRunner middleware to use. rrts has headers; http_metrics is always on; others only give a warning.'),
  uploads: uploadsSchema.prefault({}),
  headers: staticHeadersSchema.prefault({}).describe('Static headers; needs "headers" in middleware.'),
  timeouts: timeoutsSchema.prefault({}),
  limits: limitsSchema.prefault({}),
  pool: httpPoolSchema.prefault({}).describe('The workers of every request that no route gives to another pool.'),
  pools: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'must be a name of small letters, digits and _, such as reports'),
      httpPoolSchema.meta(LIVE),
    )
    .meta(RESTART)
    .default({})
    .describe('Further pools with workers of their own, by name; routes lead to them. Keys are those of http.pool.'),
  routes: z
    .array(routeSchema)
    .default([])
    .describe('Requests that get another pool or another exec_ttl. The most precise pattern wins, whatever the order.'),
});

/** Schema of `http:`. */
export const httpSchema = httpKeys
  .superRefine(({ routes, pools }, context) => {
    for (const { index, key, message } of routeProblems(routes, Object.keys(pools))) {
      context.addIssue({ code: 'custom', path: ['routes', index, key], message });
    }
  })
  .meta(LIVE);

/** `http:` as parsed. */
export type HttpSection = z.output<typeof httpSchema>;

/** The HTTP front's configuration, names in camelCase, durations in milliseconds, sizes in bytes (max_request_size in MB). */
export type HttpConfig = CamelCased<HttpSection>;

/** The configuration of one of its pools. */
export type HttpPoolConfig = HttpConfig['pool'];

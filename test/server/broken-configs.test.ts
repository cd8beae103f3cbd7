// Broken configurations: every one gives exactly these lines, with file, line, column and what to do.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the braces are what is tested

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exitCodeFor } from '../../src/cli/exit-codes.ts';
import { GOOD, load } from './config-files.ts';

const HTTP = `${GOOD}http:\n  address: :8080\n`;

const JOBS = `${GOOD}jobs:\n`;

const CASES: readonly (readonly [name: string, yaml: string, lines: readonly string[]])[] = [
  // Syntax
  [
    'a quote that is not closed',
    'version: "3"\nserver:\n  command: "php w.php\nhttp:\n',
    ['app.yaml:5:1 missing closing "quote'],
  ],
  [
    'a tab as indentation',
    'version: "3"\nserver:\n\tcommand: x\n',
    ['app.yaml:3:1 a tab is used for indentation; YAML wants spaces'],
  ],
  ['a key twice', 'version: "3"\nhttp: {}\nhttp: {}\n', ['app.yaml:3:1 this key is there twice']],
  [
    'two documents',
    'version: "3"\n---\nversion: "3"\n',
    ['app.yaml:2:1 a second document starts here (---); only one is read'],
  ],
  ['a list', '- 1\n- 2\n', ['app.yaml:1:1 must be a mapping of sections such as "http:"']],
  ['a text', 'hello\n', ['app.yaml:1:1 must be a mapping of sections such as "http:"']],
  ['an unknown anchor', 'version: *nope\n', ['app.yaml:1:10 no anchor &nope stands before this']],
  ['an unknown tag', 'version: !secret "3"\n', ['app.yaml:1:10 unresolved tag: !secret']],
  [
    'an alias in itself',
    'version: "3"\nx-a: &a [*a]\n',
    ['app.yaml:1:1 is nested too deeply, or an alias contains itself'],
  ],
  ['JSON with a comma too few', '{"version": "3"\n "http": {}}\n', ['app.yaml:2:2 missing , between flow map items']],
  // Version
  ['an empty file', '', ['app.yaml:1:1 version: is missing: write version: "3"']],
  ['only comments', '# nothing\n', ['app.yaml:1:1 version: is missing: write version: "3"']],
  ['version as a number', 'version: 3\n', ['app.yaml:1:10 version: must be a text: write version: "3"']],
  ['version 2', 'version: "2"\n', ['app.yaml:1:10 version: must be "3"']],
  ['version as a list', 'version: ["3"]\n', ['app.yaml:1:10 version: must be "3"']],
  // Schedules
  [
    'a schedule that never comes',
    `${HTTP}cron:\n  x: { schedule: "0 0 31 2 *", command: y }\n`,
    ['app.yaml:6:18 cron.x.schedule: never comes: no year has that day'],
  ],
  [
    'a schedule that is none',
    `${HTTP}cron:\n  x: { schedule: "61 * * * *", command: y }\n`,
    ['app.yaml:6:18 cron.x.schedule: is no schedule: invalid value for minute: 61'],
  ],
  [
    'a time zone that is none',
    `${HTTP}cron:\n  x: { schedule: "@daily", timezone: Europe/Berln, command: y }\n`,
    ['app.yaml:6:38 cron.x.timezone: is no time zone: write a name such as Europe/Berlin or UTC'],
  ],
  [
    'an entry that does two things, and one that does none',
    `${HTTP}cron:\n  x: { schedule: "@daily", command: y, route: { path: /y } }\n  y: { schedule: "@daily" }\n`,
    [
      'app.yaml:6:37 cron.x.command: cannot stand beside route: an entry does one thing',
      'app.yaml:7:6 cron.y: has nothing to do: add job, route or command',
    ],
  ],
  [
    'an entry that needs what is not there',
    `${GOOD}jobs: { pipelines: { mail: { driver: memory } } }\ncron:\n  x: { schedule: "@daily", job: { pipeline: mial, name: y } }\n  y: { schedule: "@daily", route: { path: / } }\n  z: { schedule: "@daily", command: z, lock: true }\n`,
    [
      'app.yaml:5:35 cron.x.job.pipeline: there is no pipeline mial; jobs.pipelines has mail',
      'app.yaml:6:28 cron.y.route: needs an http: section, which answers it',
      'app.yaml:7:40 cron.z.lock: needs lock: with driver redis, which other servers share',
    ],
  ],
  [
    'a job in a queue that cannot tell whether one waits',
    `${GOOD}jobs: { pipelines: { mail: { driver: amqp } } }\ncron:\n  x: { schedule: "@daily", job: { pipeline: mail, name: y } }\n  y: { schedule: "@daily", job: { pipeline: mail, name: y, unique: z }, overlap: allow }\n`,
    [
      'app.yaml:5:3 cron.x.overlap: must be allow: the driver amqp of pipeline mail has no unique jobs',
      'app.yaml:6:60 cron.y.job.unique: the driver amqp of pipeline mail has no unique jobs',
    ],
  ],
  // Queues
  [
    'a driver that there is not',
    `${JOBS}  pipelines: { a: { driver: reddis } }\n`,
    [
      'app.yaml:4:29 jobs.pipelines.a.driver: must be one of memory, local, boltdb, redis, amqp, not "reddis"; did you mean redis?',
    ],
  ],
  [
    'pipelines and pools that there are not',
    `${JOBS}  consume: [emial]\n  pipelines:\n    email: { driver: memory, dead_letter: failed, pool: heavy }\n    loop: { driver: memory, dead_letter: loop }\n`,
    [
      'app.yaml:4:13 jobs.consume.0: there is no pipeline emial; there are email, loop',
      'app.yaml:6:43 jobs.pipelines.email.dead_letter: there is no pipeline failed; there are email, loop',
      'app.yaml:6:57 jobs.pipelines.email.pool: there is no pool heavy; there is none',
      'app.yaml:7:42 jobs.pipelines.loop.dead_letter: is the pipeline itself',
    ],
  ],
  [
    'dead letters that go round in a circle, which would never end',
    `${JOBS}  pipelines:\n    a: { driver: memory, dead_letter: b }\n    b: { driver: memory, dead_letter: c }\n    c: { driver: memory, dead_letter: b }\n`,
    [
      'app.yaml:6:39 jobs.pipelines.b.dead_letter: jobs that fail would go round for ever: b -> c -> b; one of them must end without a dead_letter',
    ],
  ],
  [
    'a mistyped key of a driver, and one of another driver',
    `${JOBS}  pipelines:\n    a: { driver: memory, config: { prefech: 10 } }\n    b: { driver: memory, config: { exchange: x } }\n`,
    [
      'app.yaml:5:36 jobs.pipelines.a.config.prefech: unknown key, did you mean prefetch?',
      'app.yaml:6:46 jobs.pipelines.b.config.exchange: the driver memory does not read it; it reads priority, prefetch, queue, max_memory',
    ],
  ],
  [
    'retries and names that make no sense',
    `${JOBS}  pipelines:\n    a b: { driver: memory }\n    c: { driver: memory, retry: { max_attempts: 0, delay: 5, jitter: 2 }, max_payload: much }\n`,
    [
      'app.yaml:5:5 jobs.pipelines.a b: must be a name of letters, digits and _ . : -',
      'app.yaml:6:49 jobs.pipelines.c.retry.max_attempts: must be at least 1, not 0',
      'app.yaml:6:59 jobs.pipelines.c.retry.delay: needs a unit: write 5s',
      'app.yaml:6:70 jobs.pipelines.c.retry.jitter: must be at most 1, not 2',
      'app.yaml:6:88 jobs.pipelines.c.max_payload: must be a size such as 128mb or 64kb',
    ],
  ],
  // Unknown keys
  ['an unknown section', 'version: "3"\nhtpp: {}\n', ['app.yaml:2:1 htpp: unknown key, did you mean http?']],
  ['an unknown section unlike any', 'version: "3"\nelephants: {}\n', ['app.yaml:2:1 elephants: unknown key']],
  [
    'a mistyped key',
    `${HTTP}  pool:\n    num_wokers: 4\n`,
    ['app.yaml:6:5 http.pool.num_wokers: unknown key, did you mean num_workers?'],
  ],
  [
    'camelCase',
    `${HTTP}  pool: { numWorkers: 4 }\n`,
    ['app.yaml:5:11 http.pool.numWorkers: unknown key, did you mean num_workers?'],
  ],
  ['hyphens', `${HTTP}  raw-body: true\n`, ['app.yaml:5:3 http.raw-body: unknown key, did you mean raw_body?']],
  ['letters swapped', `${HTTP}  adress: :80\n`, ['app.yaml:5:3 http.adress: unknown key, did you mean address?']],
  [
    'a key on the wrong level',
    `${HTTP}  num_workers: 4\n`,
    ['app.yaml:5:3 http.num_workers: unknown key, did you mean http.pool.num_workers?'],
  ],
  [
    'a key of another section',
    `${HTTP}num_workers: 4\n`,
    ['app.yaml:5:1 num_workers: unknown key, did you mean http.pool.num_workers?'],
  ],
  [
    'an unknown key with dots',
    `${GOOD}http.adress: :80\nhttp.address: :80\n`,
    ['app.yaml:3:1 http.adress: unknown key, did you mean address?'],
  ],
  // Types
  [
    'a word for a number',
    `${HTTP}  pool: { num_workers: many }\n`,
    ['app.yaml:5:24 http.pool.num_workers: must be a number, not "many"'],
  ],
  [
    'a fraction',
    `${HTTP}  pool: { num_workers: 1.5 }\n`,
    ['app.yaml:5:24 http.pool.num_workers: must be a whole number, not 1.5'],
  ],
  [
    'a list for a number',
    `${HTTP}  pool: { num_workers: [4] }\n`,
    ['app.yaml:5:24 http.pool.num_workers: must be a number, not a list'],
  ],
  ['yes for true', `${HTTP}  raw_body: yes\n`, ['app.yaml:5:13 http.raw_body: must be true or false, not "yes"']],
  ['a text for a section', `${GOOD}http: ":8080"\n`, ['app.yaml:3:7 http: must be a mapping of keys, not ":8080"']],
  ['a list for a section', `${GOOD}http: [1]\n`, ['app.yaml:3:7 http: must be a mapping of keys, not a list']],
  [
    'a mapping for a list',
    `${HTTP}  middleware: { a: 1 }\n`,
    ['app.yaml:5:15 http.middleware: must be a list, not a mapping'],
  ],
  [
    'a mapping for a text',
    'version: "3"\nserver: { command: { a: 1 } }\n',
    ['app.yaml:2:20 server.command: must be a text or a list, not a mapping'],
  ],
  ['an empty command', 'version: "3"\nserver: { command: "" }\n', ['app.yaml:2:20 server.command: must not be empty']],
  [
    'a mapping in a command',
    'version: "3"\nserver: { command: [php, { a: 1 }] }\n',
    ['app.yaml:2:26 server.command.1: must be a text, not a mapping'],
  ],
  // Ranges and choices
  [
    'below the range',
    `${HTTP}  pool: { max_jobs: -1 }\n`,
    ['app.yaml:5:21 http.pool.max_jobs: must be at least 0, not -1'],
  ],
  [
    'above the range',
    `${HTTP}  pool: { num_workers: 501 }\n`,
    ['app.yaml:5:24 http.pool.num_workers: must be at most 500, not 501'],
  ],
  [
    'a status that is none',
    `${HTTP}  internal_error_code: 42\n`,
    ['app.yaml:5:24 http.internal_error_code: must be at least 400, not 42'],
  ],
  [
    'a choice mistyped',
    'version: "3"\nlogs: { level: wran }\n',
    ['app.yaml:2:16 logs.level: must be one of debug, info, warn, error, panic, fatal, not "wran"; did you mean warn?'],
  ],
  [
    'a choice that is none',
    `${HTTP}  pool: { codec: xml }\n`,
    ['app.yaml:5:18 http.pool.codec: must be one of json, proto, not "xml"'],
  ],
  // Durations, sizes, addresses
  [
    'a duration without unit',
    `${HTTP}  pool: { queue_timeout: 5 }\n`,
    ['app.yaml:5:26 http.pool.queue_timeout: needs a unit: write 5s'],
  ],
  [
    'a duration in words',
    `${HTTP}  pool: { queue_timeout: soon }\n`,
    ['app.yaml:5:26 http.pool.queue_timeout: must be a duration such as 60s, 5m, 1h30m or 500ms'],
  ],
  [
    'a negative duration',
    `${HTTP}  pool: { queue_timeout: -5s }\n`,
    ['app.yaml:5:26 http.pool.queue_timeout: must not be negative'],
  ],
  [
    'true for a duration',
    `${HTTP}  pool: { queue_timeout: [1] }\n`,
    ['app.yaml:5:26 http.pool.queue_timeout: must be a duration such as 60s, 5m or 500ms'],
  ],
  [
    'a size in words',
    `${HTTP}  limits: { header_bytes: big }\n`,
    ['app.yaml:5:27 http.limits.header_bytes: must be a size such as 128mb or 64kb'],
  ],
  [
    'a port alone',
    `${GOOD}http: { address: 8080 }\n`,
    ['app.yaml:3:18 http.address: has no host and no colon: write 127.0.0.1:8080, or :8080 for every interface'],
  ],
  [
    'a host alone',
    `${GOOD}http: { address: localhost }\n`,
    ['app.yaml:3:18 http.address: has no port: write localhost:8080'],
  ],
  ['a port too large', `${GOOD}http: { address: ":99999" }\n`, ['app.yaml:3:18 http.address: has a port above 65535']],
  [
    'a URL',
    `${GOOD}http: { address: "http://a:80" }\n`,
    ['app.yaml:3:18 http.address: has the scheme http://, but only tcp:// and unix:// exist here'],
  ],
  [
    'IPv6 without brackets',
    `${GOOD}http: { address: "::1:80" }\n`,
    ['app.yaml:3:18 http.address: is an IPv6 address without brackets: write [::1]:8080'],
  ],
  // What is missing
  [
    'no address',
    `${GOOD}http: { raw_body: true }\n`,
    ['app.yaml:3:1 http.address: is missing: must be an address such as 127.0.0.1:8080 or unix:///run/app.sock'],
  ],
  ['no command', 'version: "3"\nserver: { relay: pipes }\n', ['app.yaml:2:1 server.command: is missing']],
  [
    'no server',
    'version: "3"\nhttp: { address: :80 }\n',
    ['app.yaml:2:1 server.command: is missing: write the command that starts a worker, such as "php worker.php"'],
  ],
  // Variables
  [
    'a variable that is not closed',
    `${GOOD}http: { address: "\${HOST" }\n`,
    [
      'app.yaml:3:18 http.address: "${HOST" is never closed with }',
      'app.yaml:3:18 http.address: must not be empty: write an address such as 127.0.0.1:8080 (from ${HOST)',
    ],
  ],
  [
    'a variable with a wrong value',
    `${HTTP}  pool: { num_workers: "\${WORKERS}" }\n`,
    ['app.yaml:5:24 http.pool.num_workers: must be a number, not "lots" (from ${WORKERS})'],
  ],
  // All at once, in the order of the file
  [
    'ten mistakes',
    'version: 3\nserver:\n  comand: x\n  relay: telnet\nhttp:\n  address: 1\n  pool:\n    num_workers: x\n    max_jobs: y\n    supervisor: { exec_ttl: 9 }\n  bogus: 1\nlogs: { mode: loud }\n',
    [
      'app.yaml:1:10 version: must be a text: write version: "3"',
      'app.yaml:2:1 server.command: is missing',
      'app.yaml:3:3 server.comand: unknown key, did you mean command?',
      'app.yaml:4:10 server.relay: must be pipes, unix://path or tcp://host:port',
      'app.yaml:6:12 http.address: has no host and no colon: write 127.0.0.1:1, or :1 for every interface',
      'app.yaml:8:18 http.pool.num_workers: must be a number, not "x"',
      'app.yaml:9:15 http.pool.max_jobs: must be a number, not "y"',
      'app.yaml:10:29 http.pool.supervisor.exec_ttl: needs a unit: write 9s',
      'app.yaml:11:3 http.bogus: unknown key',
      'app.yaml:12:15 logs.mode: must be one of development, production, raw, none, off, not "loud"',
    ],
  ],
  // Pools and routes
  [
    'a name of a pool',
    `${HTTP}  pools: { Reports!: {}, http.slow: {} }\n`,
    [
      'app.yaml:5:12 http.pools.Reports!: must be a name of small letters, digits and _, such as reports',
      'app.yaml:5:26 http.pools.http.slow: must be a name of small letters, digits and _, such as reports',
    ],
  ],
  [
    'a key of a named pool',
    `${HTTP}  pools: { slow: { num_wokers: 2 } }\n  routes: [{ path: /a, pool: slow }]\n`,
    ['app.yaml:5:20 http.pools.slow.num_wokers: unknown key, did you mean num_workers?'],
  ],
  [
    'a pool that does not exist',
    `${HTTP}  pools: { reports: {} }\n  routes:\n    - path: /a\n      pool: reprots\n`,
    ['app.yaml:8:13 http.routes.0.pool: there is no pool "reprots": http.pools has reports'],
  ],
  [
    'a pool, and there are none',
    `${HTTP}  routes: [{ path: /a, pool: slow }]\n`,
    ['app.yaml:5:30 http.routes.0.pool: there is no pool "slow": http.pools has none'],
  ],
  [
    'patterns that are none',
    `${HTTP}  routes:\n    - path: reports\n    - path: /a/*/b\n    - path: /a/:id(x\n    - path: "/:b(^(a+)+$)"\n`,
    [
      'app.yaml:6:13 http.routes.0.path: must begin with a slash: /reports/*, /user/:id',
      'app.yaml:7:13 http.routes.1.path: is no pattern: wildcard must be the last character in the route',
      'app.yaml:8:13 http.routes.2.path: is no pattern: invalid regexp expression in "/a/:id(x"',
      "app.yaml:9:13 http.routes.3.path: is no pattern: the regex '(^(a+)+$)' is not safe! (from /:b(^(a+)+$))",
    ],
  ],
  [
    'a route twice',
    `${HTTP}  routes:\n    - path: /user/:id\n    - { path: "/user/:name", methods: [POST, get] }\n    - path: /user/:x\n`,
    [
      'app.yaml:7:15 http.routes.1.path: is there twice for POST, GET: the other one is "/user/:id"',
      'app.yaml:8:13 http.routes.2.path: is there twice for every method: the other one is "/user/:id"',
    ],
  ],
  [
    'a method that is none',
    `${HTTP}  routes: [{ path: /a, methods: [GTE, TRACE] }]\n`,
    [
      'app.yaml:5:34 http.routes.0.methods.0: is no method that a request may have',
      'app.yaml:5:39 http.routes.0.methods.1: is no method that a request may have',
    ],
  ],
  ['a route without a path', `${HTTP}  routes: [{ pool: a }]\n`, ['app.yaml:5:12 http.routes.0.path: is missing']],
];

describe('broken configurations', () => {
  for (const [name, yaml, lines] of CASES) {
    test(name, (t) => {
      const outcome = load(t, { yaml, environment: { WORKERS: 'lots' } });
      assert.deepEqual(outcome.lines, lines);
      assert.equal(exitCodeFor(outcome.error?.code ?? 'ERR_STOP_TIMEOUT'), 78);
    });
  }

  test('a bomb of aliases is refused at once', (t) => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const below = level === 0 ? '"x"' : `*l${level - 1}`;
      return `x-${level}: &l${level} [${Array(10).fill(below).join(', ')}]`;
    });
    const { lines } = load(t, { yaml: `version: "3"\n${levels.join('\n')}\n` });
    assert.deepEqual(lines, ['app.yaml:1:1 excessive alias count indicates a resource exhaustion attack']);
  });

  test('nesting without end is refused', (t) => {
    const { error } = load(t, { yaml: `version: "3"\nx-a: ${'['.repeat(20_000)}\n` });
    assert.equal(error?.code, 'ERR_CONFIG_SYNTAX');
  });

  test('a secret is not quoted', (t) => {
    const { lines } = load(t, { yaml: `${HTTP}  headers: { request: { X-Api-Token: [hunter2] } }\n` });
    assert.equal(lines.length, 1);
    assert.doesNotMatch(lines.join(), /hunter2/);
  });
});

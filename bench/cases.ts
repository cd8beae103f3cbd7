// What is measured, on which servers, and which figures are set against each other.

import { UPLOAD_BYTES } from './upload.ts';

/** The servers. Each name is a row of the tables. */
export const PEERS = {
  roadrunner: "rrts, RoadRunner's package",
  roadrunnerAhead: "rrts, RoadRunner's package, prefetch_sdk",
  psr7: 'rrts native, PSR-7',
  lean: 'rrts native, lean',
  leanAlone: 'rrts native, lean, prefetch: 0',
  symfony: 'rrts native, Symfony',
  node: 'bare node:http',
  fpmPsr7: 'nginx + php-fpm, PSR-7',
  fpmFresh: 'nginx + php-fpm, PSR-7, not kept',
  fpmBare: 'nginx + php-fpm, bare echo',
  fpmSymfony: 'nginx + php-fpm, Symfony',
  ping: 'bare ping-pong, no protocol',
  pingEight: 'bare ping-pong, 8 processes',
  inBand: 'rrts in-band echo',
  inBandEight: 'rrts in-band echo, 8 workers',
  module: 'rrts bridge, function of a module',
  goridge: 'rrts, spiral/goridge over TCP',
  waits: 'rrts in-band, 2 ms in Node',
  waitsEight: 'rrts in-band, 2 ms in Node, 8 workers',
  messenger: 'Symfony Messenger, redis',
  jobsMemory: 'rrts jobs, memory',
  jobsLocal: 'rrts jobs, local',
  jobsRedis: 'rrts jobs, redis',
  jobsAmqp: 'rrts jobs, amqp',
  jobsBus: "rrts jobs, redis, Messenger's bus",
} as const;

/** One server of the benchmark. */
export type PeerId = keyof typeof PEERS;

/** A quotient of two rows. */
export interface RatioWish {
  readonly of: PeerId;
  readonly by: PeerId;
  /** Which figure; requests per second by default. */
  readonly figure?: 'p99';
  /** What the project has set itself, the most for `p99` and the least otherwise; it is reported, never a reason to fail. */
  readonly goal?: number;
}

/** One table and one chart. */
export interface BenchCase {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly path: string;
  readonly upload: boolean;
  /** One request in twenty takes 50 ms; p50 and p99 are those of the others. */
  readonly mixed?: boolean;
  /** PHP empties a queue; the figures are those of jobs instead of requests. */
  readonly jobs?: boolean;
  /** A function of AWS Lambda is packed and started; there are findings and no rows. */
  readonly lambda?: boolean;
  /** PHP calls Node; the figures are those of calls instead of requests. */
  readonly calls?: boolean;
  /** The body of a right answer. */
  readonly expect: (body: string) => boolean;
  readonly peers: readonly PeerId[];
  readonly ratios: readonly RatioWish[];
}

const hello = { path: '/hello', upload: false, expect: (body: string) => body === 'Hello, World!\n' };

const HELLO_ABOUT = `The same PSR-7 handler on all of them. With prefetch_sdk a worker holds requests ahead, as workers of rrts's own package do by
default. php-fpm boots it for each request; the bare script is the least
php-fpm can do. "Not kept" is nginx's default, a FastCGI connection per request. The other rows keep connections, which
gives php-fpm its most requests per second and takes them from few clients at a time: look at p99.`;

/** All cases, in the order of the report. */
export const CASES: readonly BenchCase[] = [
  {
    id: 'hello-roadrunner',
    title: "Hello with RoadRunner's PSR-7 package",
    about: HELLO_ABOUT,
    ...hello,
    peers: ['roadrunner', 'roadrunnerAhead', 'fpmPsr7', 'fpmFresh', 'fpmBare'],
    ratios: [
      { of: 'roadrunner', by: 'fpmPsr7', goal: 2 },
      { of: 'roadrunnerAhead', by: 'fpmPsr7', goal: 2 },
      { of: 'roadrunnerAhead', by: 'fpmFresh' },
      { of: 'roadrunner', by: 'fpmFresh' },
      { of: 'roadrunner', by: 'fpmBare' },
    ],
  },
  {
    id: 'hello-native',
    title: "Hello with rrts's own package",
    about:
      'The lean API and PSR-7, beside a Node server that answers without any PHP: what is left is the price of PHP.',
    ...hello,
    peers: ['lean', 'leanAlone', 'psr7', 'node', 'fpmPsr7', 'fpmBare'],
    ratios: [
      { of: 'lean', by: 'node', goal: 0.65 },
      { of: 'lean', by: 'leanAlone', goal: 1.4 },
      { of: 'psr7', by: 'node' },
      { of: 'lean', by: 'fpmBare' },
      { of: 'psr7', by: 'fpmPsr7' },
    ],
  },
  {
    id: 'mixed',
    title: 'Hello with one slow request in twenty',
    about:
      'One request in twenty sleeps for 50 ms in PHP; the latencies are those of the others. A request that is sent ahead to a worker must not wait behind a slow one for longer than it would have waited in the queue.',
    ...hello,
    mixed: true,
    peers: ['lean', 'leanAlone'],
    ratios: [
      { of: 'lean', by: 'leanAlone', figure: 'p99', goal: 1 },
      { of: 'lean', by: 'leanAlone' },
    ],
  },
  {
    id: 'symfony',
    title: 'Symfony hello',
    about: 'examples/symfony in production mode, container compiled, autoloader optimised: the same copy for both.',
    path: '/',
    upload: false,
    expect: (body) => body.includes('<h1>Hello from Symfony '),
    peers: ['symfony', 'fpmSymfony'],
    ratios: [{ of: 'symfony', by: 'fpmSymfony', goal: 8 }],
  },
  {
    id: 'json',
    title: '100 KB of JSON',
    about: 'A list of 800 records, built and encoded for each request.',
    path: '/json',
    upload: false,
    expect: isList,
    peers: ['lean', 'psr7', 'roadrunner', 'node', 'fpmPsr7'],
    ratios: [
      { of: 'lean', by: 'node' },
      { of: 'psr7', by: 'fpmPsr7' },
      { of: 'roadrunner', by: 'fpmPsr7' },
    ],
  },
  {
    id: 'upload',
    title: '1 MB upload',
    about:
      'A multipart form with one file of 1 MB; PHP gets a temporary file. The Node server reads the bytes and throws them away.',
    path: '/upload',
    upload: true,
    expect: (body) => body === `${UPLOAD_BYTES} bytes\n`,
    peers: ['lean', 'psr7', 'roadrunner', 'node', 'fpmPsr7'],
    ratios: [
      { of: 'lean', by: 'node' },
      { of: 'psr7', by: 'fpmPsr7' },
      { of: 'roadrunner', by: 'fpmPsr7' },
    ],
  },
  {
    id: 'calls',
    title: 'Calls from PHP into Node',
    about: `A request makes a worker call Node for some seconds, as often as it can; each row counts calls instead of requests. An echo takes and gives 100
bytes. The ping-pong sends as many bytes to a bare Node process and back over the same kind of socket, without any protocol: what the system
asks for. Over TCP the same method is called by RoadRunner's package. Eight processes that echo share the cores of this machine with Node, and
the ping-pong shows how much is there to be had; eight calls that wait in Node wait side by side.`,
    path: '/calls',
    upload: false,
    calls: true,
    expect: (body) => body === 'echo\n',
    peers: ['ping', 'inBand', 'module', 'goridge', 'pingEight', 'inBandEight', 'waits', 'waitsEight'],
    ratios: [
      { of: 'inBand', by: 'ping', goal: 0.67 },
      { of: 'inBand', by: 'goridge', goal: 2 },
      { of: 'waitsEight', by: 'waits', goal: 5 },
      { of: 'inBandEight', by: 'inBand' },
      { of: 'pingEight', by: 'ping' },
      { of: 'module', by: 'inBand' },
    ],
  },
  {
    id: 'jobs',
    title: 'Jobs from a queue',
    about: `Two PHP processes empty a queue that was filled before; each row counts jobs instead of requests, from the first that is done to the last. A job is
a small JSON text that is decoded and hashed. Messenger is that of Debian (5.4) with \`messenger:consume\` twice, its transport in redis with
delete_after_ack, the middleware that FrameworkBundle gives a bus by default, and no listeners and no log. \`local\` keeps its jobs on the disk; redis
keeps them in memory, for Messenger and for rrts alike. The row with Messenger's bus has the same bus, handler and serializer as Messenger,
fed by rrts.`,
    path: '',
    upload: false,
    jobs: true,
    expect: () => true,
    peers: ['messenger', 'jobsMemory', 'jobsLocal', 'jobsRedis', 'jobsAmqp', 'jobsBus'],
    ratios: [
      { of: 'jobsLocal', by: 'messenger', goal: 3 },
      { of: 'jobsRedis', by: 'messenger', goal: 2 },
      { of: 'jobsMemory', by: 'messenger' },
      { of: 'jobsAmqp', by: 'messenger' },
      { of: 'jobsBus', by: 'messenger' },
    ],
  },
  {
    id: 'lambda',
    title: 'A function of AWS Lambda',
    about: `\`rrts lambda pack\` packs the lean handler; the package is unpacked, and its \`bootstrap\` is started beside an emulator of Lambda's Runtime API on this
machine. It is not Lambda: there the package is read from a slower disk, and a function has as much of a core as it has memory (a whole one at 1.8 GB).`,
    path: '',
    upload: false,
    lambda: true,
    expect: () => true,
    peers: [],
    ratios: [],
  },
];

function isList(body: string): boolean {
  const rows: unknown = JSON.parse(body);
  return Array.isArray(rows) && rows.length === 800 && body.length > 95_000 && body.length < 130_000;
}

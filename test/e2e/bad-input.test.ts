// What a person sees who got something wrong: one message with cause and place, a documented exit code, nothing left.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { fixture } from '../helpers/paths.ts';
import { type ConfigTree, type ServerProcess, spawnServer, spawnWithYaml } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';

const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;
const EXIT_CONFIG = 78;

interface Case {
  readonly name: string;
  readonly command: readonly string[];
  readonly config?: ConfigTree;
  /** All of these must be in what is printed last. */
  readonly says: readonly RegExp[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly withinMs: number;
  /** What it prints is logged up to a limit in each second, and the log tells of the rest. */
  readonly isFlood?: boolean;
}

const CASES: readonly Case[] = [
  {
    name: 'the worker script does not exist',
    command: ['php', '/nowhere/worker.php'],
    says: [/\/nowhere\/worker\.php/, /Could not open input file|does not exist|not found/],
    withinMs: 4000,
  },
  {
    name: 'PHP does not exist',
    command: ['/nowhere/php8', 'worker.php'],
    says: [/\/nowhere\/php8/, /not found|does not exist|ENOENT|no such/i],
    withinMs: 4000,
  },
  {
    name: 'php is not on the PATH',
    command: ['php', 'worker.php'],
    environment: { PATH: '/nowhere' },
    says: [/php/, /not found|does not exist|ENOENT|no such|PATH/i],
    withinMs: 4000,
  },
  {
    name: 'a syntax error in the worker',
    command: ['php', fixture('misbehaving/syntax-error.php')],
    says: [/syntax error/, /syntax-error\.php/, /line 4|:4/],
    withinMs: 4000,
  },
  {
    name: 'an exception while the worker boots',
    command: ['php', fixture('misbehaving/boot-throws.php')],
    says: [/the configuration of the application is incomplete/, /boot-throws\.php/],
    withinMs: 4000,
  },
  {
    name: 'a worker that exits with a reason on stderr',
    command: ['php', fixture('misbehaving/boot-exits.php')],
    says: [/no database at db\.example:5432/, /boot-exits\.php/, /\b7\b/],
    withinMs: 4000,
  },
  {
    name: 'a worker that never answers',
    command: ['php', fixture('misbehaving/never-answers.php')],
    config: { http: { pool: { allocate_timeout: '1s' } } },
    says: [/never-answers\.php/, /allocate_timeout|1s|1000 ?ms/],
    withinMs: 5000,
  },
  {
    name: 'a worker that prints 10 MB of noise instead of speaking',
    command: ['php', fixture('misbehaving/prints-10mb.php')],
    config: { http: { pool: { allocate_timeout: '5s' } } },
    says: [/noise noise/, /prints-10mb\.php/],
    isFlood: true,
    withinMs: 7000,
  },
  {
    name: 'a syntax error in the worker, over a UNIX socket relay',
    command: ['php', fixture('misbehaving/syntax-error.php')],
    config: { server: { relay: `unix://${join(tmpdir(), `rrts-test-${randomUUID()}.sock`)}` } },
    says: [/syntax error/, /syntax-error\.php/, /line 4|:4/],
    withinMs: 4000,
  },
  {
    name: 'a worker that never connects to the socket relay',
    command: ['php', fixture('misbehaving/never-answers.php')],
    config: {
      server: { relay: `unix://${join(tmpdir(), `rrts-test-${randomUUID()}.sock`)}` },
      http: { pool: { allocate_timeout: '1s' } },
    },
    says: [/never-answers\.php/, /allocate_timeout|1s|1000 ?ms/],
    withinMs: 5000,
  },
];

describe('bad input: workers that cannot boot', { concurrency: 2 }, () => {
  for (const wish of CASES) {
    test(`${wish.name}: exit code 69`, async (t) => {
      const server = await spawnServer(wish);
      t.after(() => server.discard());
      const begin = performance.now();
      const ending = await server.waitForEnd(wish.withinMs + 30_000);
      const ms = Math.round(performance.now() - begin);
      assert.deepEqual(ending, { code: EXIT_UNAVAILABLE, signal: null }, server.logs.tail());
      const message = printedMessage(server);
      for (const pattern of wish.says) assert.match(message, pattern);
      assertReadable(server, wish.isFlood);
      t.diagnostic(`${ms} ms: ${message.slice(0, 200)}`);
    });
  }
});

describe('bad input: the configuration', { concurrency: 2 }, () => {
  const yaml: readonly (readonly [string, string, readonly RegExp[]])[] = [
    ['broken YAML', 'version: "3"\nserver:\n  command: "php w.php\nhttp:\n  address: :8080\n', [/app\.yaml:\d+:\d+/]],
    ['a tab as indentation', 'version: "3"\nserver:\n\tcommand: php w.php\n', [/app\.yaml:3:\d+/]],
    [
      'a wrong type',
      'version: "3"\nserver: { command: php w.php }\nhttp:\n  address: 127.0.0.1:0\n  pool:\n    num_workers: many\n',
      [/app\.yaml:6:18/, /http\.pool\.num_workers/],
    ],
    [
      'an unknown key',
      'version: "3"\nserver: { command: php w.php }\nhttp:\n  address: 127.0.0.1:0\n  pool:\n    num_wokers: 4\n',
      [/app\.yaml:6:5/, /http\.pool\.num_wokers/, /did you mean num_workers\?/],
    ],
    [
      'a queue driver that there is not',
      'version: "3"\nserver: { command: php w.php }\njobs:\n  pipelines:\n    mail:\n      driver: reddis\n',
      [/app\.yaml:6:15/, /jobs\.pipelines\.mail\.driver/, /did you mean redis\?/],
    ],
    [
      'a pipeline to consume that there is not',
      'version: "3"\nserver: { command: php w.php }\njobs:\n  consume: [mial]\n  pipelines:\n    mail: {}\n',
      [/app\.yaml:4:13/, /there is no pipeline mial; there is only mail/],
    ],
    [
      'queues, and no workers for them',
      'version: "3"\njobs:\n  pipelines:\n    mail: { driver: memory }\n',
      [/server\.command: is missing/],
    ],
    ['an empty file', '', [/app\.yaml/]],
    ['a list', '- 1\n- 2\n', [/app\.yaml/]],
    [
      'a bad duration',
      'version: "3"\nserver: { command: php w.php }\nhttp:\n  address: :0\n  pool: { queue_timeout: soon }\n',
      [/app\.yaml:5:\d+/, /queue_timeout/],
    ],
  ];
  for (const [name, text, says] of yaml) {
    test(`${name}: the place, exit code 78`, async (t) => {
      const server = spawnWithYaml(text);
      t.after(() => server.discard());
      const ending = await server.waitForEnd();
      assert.deepEqual(ending, { code: EXIT_CONFIG, signal: null }, server.logs.tail());
      for (const pattern of says) assert.match(printedMessage(server), pattern);
      assertReadable(server);
    });
  }

  test('a file that does not exist: its path, exit code 78', async (t) => {
    const server = spawnWithYaml('', { args: ['-c', '/nowhere/app.yaml'] });
    t.after(() => server.discard());
    assert.equal((await server.waitForEnd()).code, EXIT_CONFIG);
    assert.match(printedMessage(server), /\/nowhere\/app\.yaml/);
    assertReadable(server);
  });

  test('an unknown option on the command line: exit code 64', async (t) => {
    const server = spawnWithYaml('', { args: ['--no-such-option'] });
    t.after(() => server.discard());
    assert.equal((await server.waitForEnd()).code, EXIT_USAGE);
    assert.match(printedMessage(server), /no-such-option/);
    assertReadable(server);
  });
});

describe('bad input: the machine', () => {
  test('the port is in use: the address and the cause, exit code 69, before any worker matters', async (t) => {
    const port = await freePort();
    const squatter = createServer().listen(port, '127.0.0.1');
    t.after(() => squatter.close());
    const command = ['php', fixture('sdk-json.php')];
    const server = await spawnServer({ command, config: { http: { address: `127.0.0.1:${port}` } } });
    t.after(() => server.discard());
    const ending = await server.waitForEnd();
    assert.equal(ending.code, EXIT_UNAVAILABLE, server.logs.tail());
    assert.match(printedMessage(server), new RegExp(`127\\.0\\.0\\.1:${port}`));
    assert.match(printedMessage(server), /in use|already/);
    assertReadable(server);
  });

  test('a script that may not be run as a program', async (t) => {
    const dir = makeTempDir('mode');
    t.after(() => dir.remove());
    mkdirSync(dir.file('bin'));
    writeFileSync(dir.file('bin/worker'), '#!/usr/bin/env php\n<?php\n');
    chmodSync(dir.file('bin/worker'), 0o644);
    const server = await spawnServer({ command: [dir.file('bin/worker')] });
    t.after(() => server.discard());
    assert.equal((await server.waitForEnd()).code, EXIT_UNAVAILABLE, server.logs.tail());
    assert.match(printedMessage(server), /bin\/worker/);
    assertReadable(server);
  });
});

/** Everything printed that is not the worker's own output as log lines: what the person reads at the end. */
function printedMessage(server: ServerProcess): string {
  return server.logs.records
    .slice(-12)
    .map((record) => record.text)
    .join('\n');
}

/** No stack trace of rrts, and not a flood. */
function assertReadable(server: ServerProcess, isFlood = false): void {
  const text = server.logs.text();
  assert.doesNotMatch(text, /\n\s+at .+\(?(file:|node:|\/).*:\d+:\d+\)?/, 'no stack trace');
  assert.doesNotMatch(text, /"stack"/, 'no stack trace in a log line');
  if (isFlood) assert.match(text, /the rest was dropped/);
  else assert.ok(text.length < 64 * 1024, `${text.length} characters were printed`);
}

// rrts reload: what is in force afterwards, what needs a restart, and what stays when it fails; systemd is told of it.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { runFor } from '../cli/run-cli.ts';
import { ask, load } from '../helpers/request.ts';
import { type ServerProcess, startServer } from '../helpers/start-server.ts';
import { eventually } from '../helpers/wait-for.ts';
import { SDK_JSON } from './kinds.ts';

async function start(t: TestContext): Promise<ServerProcess> {
  const server = await startServer({ command: SDK_JSON.command });
  t.after(() => server.discard());
  return server;
}

interface Config {
  http: { address: string; pool: Record<string, unknown> };
  server: { command: unknown };
}

/** Changes the configuration file of a server. */
function edit(server: ServerProcess, change: (config: Config) => void): void {
  const path = server.dir.file('app.yaml');
  const config = parse(readFileSync(path, 'utf8')) as Config;
  change(config);
  writeFileSync(path, stringify(config));
}

describe('rrts reload', { concurrency: 2 }, () => {
  test('under load: new keys in force, new workers, no request lost; what needs a restart is named', async (t) => {
    const server = await start(t);
    const before = server.workers().map(({ pid }) => pid);
    edit(server, ({ http }) => {
      http.pool['num_workers'] = 3;
      http.address = '127.0.0.1:1';
    });
    const make = (index: number) => ({ path: `/echo?hello=n${index}`, expect: `N${index}` });
    const traffic = load(server, { total: 1000, connections: 4, make });
    const { code, stdout, stderr } = await runFor(t, server, ['reload']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^reloaded, and all workers are new, in [\d.]+ m?s\n/);
    assert.match(stdout, /\nchanged: http\.pool\.num_workers\nnot in force before a restart: http\.address\n$/);
    const { statuses, mixedUp } = await traffic;
    assert.deepEqual([Object.fromEntries(statuses), mixedUp], [{ 201: 1000 }, 0]);
    await eventually(() => server.workers().length === 3, 'three workers');
    assert.ok(server.workers().every(({ pid }) => !before.includes(pid)));
    assert.deepEqual((await runFor(t, server, ['reload', '-s'])).stdout, '');
    await server.stop();
    t.diagnostic('1000 requests, 0 failed');
  });

  test('a mistake in the file, and workers that do not boot: the reason, 69, everything stays', async (t) => {
    const server = await start(t);
    const good = readFileSync(server.dir.file('app.yaml'), 'utf8');
    const pids = (): number[] => server.workers().map(({ pid }) => pid);
    const before = pids();
    edit(server, ({ http }) => {
      http.pool['num_wokers'] = 3;
    });
    const wrong = await runFor(t, server, ['reload']);
    assert.equal(wrong.code, 69);
    assert.match(wrong.stderr, /app\.yaml:\d+:\d+ http\.pool\.num_wokers: unknown key, did you mean num_workers\?\n/);
    writeFileSync(server.dir.file('app.yaml'), good);
    edit(server, (config) => {
      config.server.command = ['php', '-r', 'fwrite(STDERR, "no database\\n"); exit(3);'];
    });
    const broken = await runFor(t, server, ['reload']);
    assert.equal(broken.code, 69);
    assert.match(broken.stderr, /^rrts: .*ended with code 3 before it was ready.*no database/);
    assert.ok(before.every((pid) => pids().includes(pid)) || pids().length === before.length);
    assert.equal((await ask(server, '/pid')).status, 200);
    await server.stop();
  });
});

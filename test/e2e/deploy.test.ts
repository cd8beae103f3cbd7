// Deployments that switch a symbolic link: reset and reload run the new release, however rrts was started.

import assert from 'node:assert/strict';
import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { stringify } from 'yaml';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { ask } from '../helpers/request.ts';
import { baseConfig, type ServerProcess, spawnWithYaml, waitUntilReady } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { RpcClient } from '../plugins/rpc/rpc-client.ts';
import { underLoad, untilAnswer, workerCode, write } from './live-app.ts';

/** Two releases below one directory, and `current`, a link to the first. */
function releases(t: TestContext) {
  const dir = makeTempDir('deploy');
  t.after(() => dir.remove());
  const release = (n: number): string => dir.file(`releases/${n}`);
  for (const n of [1, 2]) {
    write(`${release(n)}/worker.php`, workerCode('$answer', "$answer = require 'answer.php';"));
    write(`${release(n)}/answer.php`, `<?php return 'release ${n} PWD=' . getenv('PWD');\n`);
  }
  const current = dir.file('current');
  symlinkSync('releases/1', current);
  const flip = (n: number): void => {
    symlinkSync(`releases/${n}`, dir.file('next'));
    renameSync(dir.file('next'), current);
  };
  return { dir, current, release, flip, answer: (n: number) => `release ${n} PWD=${current}` };
}

interface Start {
  readonly current: string;
  readonly top: string;
  readonly script: string;
  readonly how: 'cd' | '-w';
}

async function start(t: TestContext, { current, top, script, how }: Start) {
  const [port, statusPort, rpcPort] = [await freePort(), await freePort(), await freePort()];
  const rpc = { listen: `tcp://127.0.0.1:${rpcPort}` };
  const yaml = stringify({ ...baseConfig(port, statusPort, ['php', script]), rpc });
  const wish = how === 'cd' ? { cwd: current } : { cwd: top, args: ['-w', 'current'] };
  const server = spawnWithYaml(yaml, wish, [port, statusPort]);
  t.after(() => server.discard());
  await waitUntilReady(server);
  await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
  const client = new RpcClient({ port: rpcPort, host: '127.0.0.1' });
  t.after(() => client.close());
  return { server, reset: () => client.call('resetter.Reset', 'http') };
}

describe('a link that is switched', { concurrency: 2 }, () => {
  for (const how of ['cd', '-w'] as const) {
    for (const kind of ['relative', 'absolute'] as const) {
      test(`${how === 'cd' ? 'cd current && rrts serve' : 'rrts serve -w current'}, ${kind} script`, async (t) => {
        const { dir, current, release, flip, answer } = releases(t);
        const script = kind === 'relative' ? 'worker.php' : join(current, 'worker.php');
        const { server, reset } = await start(t, { current, top: dir.path, script, how });
        await untilAnswer(server, answer(1));
        flip(2);
        assert.equal((await ask(server, '/')).text, answer(1), 'nothing changes before the reset');
        const answered = await underLoad(server, async () => {
          await reset();
          await untilAnswer(server, answer(2));
        });
        // What deployment tools do with old releases; the master still has the first one as its own directory.
        rmSync(release(1), { recursive: true });
        await reset();
        await untilAnswer(server, answer(2));
        t.diagnostic(`${answered} requests`);
        await server.stop();
      });
    }
  }

  test('SIGHUP does the same, and reads the configuration of the new release', async (t) => {
    const { current, release, flip } = releases(t);
    const [port, statusPort] = [await freePort(), await freePort()];
    for (const n of [1, 2]) {
      write(`${release(n)}/worker.php`, workerCode(`'release ${n} ' . getenv('FROM_FILE') . getenv('FROM_DOTENV')`));
      const base = baseConfig(port, statusPort, ['php', 'worker.php']);
      const server = { ...(base['server'] as object), env: { from_file: `file ${n}` } };
      write(`${release(n)}/app.yaml`, stringify({ ...base, server }));
      write(`${release(n)}/app.env`, `FROM_DOTENV=" dotenv ${n}"\n`);
    }
    const args = ['-c', 'app.yaml', '--dotenv', 'app.env'];
    const server: ServerProcess = spawnWithYaml('', { cwd: current, args }, [port, statusPort]);
    t.after(() => server.discard());
    await waitUntilReady(server);
    await untilAnswer(server, 'release 1 file 1 dotenv 1');
    flip(2);
    rmSync(release(1), { recursive: true });
    const answered = await underLoad(server, async () => {
      server.child.kill('SIGHUP');
      await untilAnswer(server, 'release 2 file 2 dotenv 2');
    });
    t.diagnostic(`${answered} requests`);
    await server.stop();
  });
});

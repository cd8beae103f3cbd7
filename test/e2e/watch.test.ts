// `--watch` with a real tree and real PHP: changes of every kind, broken code, many writes at once, limits of the system.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';
import { freePort } from '../helpers/free-port.ts';
import { type LogRecord, mentions } from '../helpers/log-lines.ts';
import { ask } from '../helpers/request.ts';
import { baseConfig, type ServerWish, spawnWithYaml, waitUntilReady } from '../helpers/start-server.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';
import { eventually } from '../helpers/wait-for.ts';
import { underLoad, untilAnswer, workerCode, write } from './live-app.ts';

const STARTED = /: new workers start$/;

/** An application below one directory, served with `--watch` from there, where the shell came by a link. */
async function start(t: TestContext, wish: ServerWish = {}) {
  const [port, statusPort] = [await freePort(), await freePort()];
  const top = makeTempDir('watch');
  t.after(() => top.remove());
  mkdirSync(top.file('app'));
  symlinkSync('app', top.file('link'));
  const dir = { path: top.file('link'), file: (name: string) => top.file(`app/${name}`) };
  write(dir.file('worker.php'), workerCode('$answer', "$answer = require 'src/answer.php';"));
  write(dir.file('src/answer.php'), "<?php return 'one';\n");
  write(dir.file('vendor/a/b.php'), '<?php');
  write(dir.file('var/cache/c.php'), '<?php');
  write(dir.file('composer.lock'), '{}');
  const yaml = stringify({ ...baseConfig(port, statusPort, ['php', 'worker.php']), ...wish.config });
  const server = spawnWithYaml(yaml, { cwd: dir.path, args: ['--watch'], ...wish }, [port, statusPort]);
  t.after(() => server.discard());
  await waitUntilReady(server);
  await server.waitForLog(mentions(/^watching \d+ files/), 'that files are watched', 20_000);
  const reloads = (): LogRecord[] => server.logs.all(mentions(STARTED));
  return {
    server,
    top,
    dir,
    reloads,
    /** Does something, and waits for the line that names `file`, and for the end of the replacement. */
    change: async (what: () => void, file: string) => {
      const [before, ended] = [reloads().length, ends(server.logs.records)];
      what();
      await eventually(() => reloads().length > before, `a replacement after ${file}\n${server.logs.tail()}`, 20_000);
      assert.match(String(reloads().at(-1)?.facts['files']), new RegExp(file));
      await eventually(() => ends(server.logs.records) > ended, 'the end of the replacement', 20_000);
    },
  };
}

function ends(records: readonly LogRecord[]): number {
  return records.filter(mentions(/the workers were replaced|the new code does not boot/)).length;
}

describe('--watch', { concurrency: 2 }, () => {
  test('a change runs at once, broken code is shown and the old one goes on, and no request fails', async (t) => {
    const { server, dir, reloads, change } = await start(t);
    await untilAnswer(server, 'one');
    const times: string[] = [];
    const answered = await underLoad(server, async () => {
      for (const word of ['two', 'three', 'four']) {
        const begin = Date.now();
        await change(() => write(dir.file('src/answer.php'), `<?php return '${word}';\n`), 'src/answer.php');
        const started = Number(reloads().at(-1)?.facts['ts']) / 1e6 - begin;
        await untilAnswer(server, word);
        times.push(`${Math.round(started)} ms, all new after ${Date.now() - begin} ms`);
      }
      await change(() => write(dir.file('worker.php'), '<?php\n\nfunction broken( {\n'), 'worker.php');
      await server.waitForLog(
        mentions(/the new code does not boot, the old workers stay.*worker\.php on line 3/),
        'of PHP',
      );
      await untilAnswer(server, 'four');
      await change(() => write(dir.file('worker.php'), workerCode("'mended'")), 'worker.php');
      await untilAnswer(server, 'mended');
    });
    t.diagnostic(`${answered} requests; new workers began to start after ${times.join('; ')}`);
    await server.stop();
  });

  test('new, renamed and deleted files and directories, and what is not looked at', async (t) => {
    const { server, dir, reloads, change } = await start(t);
    await change(() => write(dir.file('src/new.php'), '<?php'), 'src/new.php');
    await change(() => {
      // How many editors save.
      writeFileSync(dir.file('src/.answer.php.tmp'), "<?php return 'saved';\n");
      renameSync(dir.file('src/.answer.php.tmp'), dir.file('src/answer.php'));
    }, 'src/answer.php');
    await untilAnswer(server, 'saved');
    await change(() => write(dir.file('src/deep/er/still.php'), '<?php'), 'src/deep/er/still.php');
    await change(() => write(dir.file('src/deep/er/still.php'), '<?php // again'), 'src/deep/er/still.php');
    await change(() => rmSync(dir.file('src/new.php')), 'src/new.php');
    await change(() => renameSync(dir.file('src/deep'), dir.file('src/moved')), 'still.php');
    await change(() => write(dir.file('src/moved/er/still.php'), '<?php // moved'), 'src/moved/er/still.php');
    await change(() => rmSync(dir.file('src/moved'), { recursive: true }), 'src/moved/er/still.php');
    await change(() => write(dir.file('composer.lock'), '{"new": 1}'), 'composer.lock');
    await change(() => write(dir.file('.env.local'), 'A=1'), '.env.local');
    const before = reloads().length;
    write(dir.file('vendor/a/b.php'), '<?php // changed');
    write(dir.file('vendor/new/c.php'), '<?php');
    write(dir.file('var/cache/c.php'), '<?php // changed');
    write(dir.file('notes.txt'), 'text');
    mkdirSync(dir.file('src/empty'));
    // The next change that counts names only itself: the others did not wait their turn.
    await change(() => write(dir.file('config/a.yaml'), 'a: 1'), '^config/a.yaml$');
    assert.equal(reloads().length, before + 1);
    t.diagnostic(`${reloads().length} replacements`);
    await server.stop();
  });

  test('links: what they lead to counts, and a loop of them has an end', async (t) => {
    const { server, top, dir, reloads, change } = await start(t);
    write(top.file('shared/lib.php'), '<?php');
    symlinkSync('../..', dir.file('src/loop'));
    symlinkSync('.', top.file('shared/again'));
    await change(() => symlinkSync(top.file('shared'), dir.file('src/linked')), 'src/linked/lib.php');
    await change(() => write(top.file('shared/lib.php'), '<?php // changed'), '^src/linked/lib.php$');
    await change(() => write(dir.file('src/answer.php'), "<?php return 'two';\n"), '^src/answer.php$');
    await untilAnswer(server, 'two');
    t.diagnostic(`${reloads().length} replacements`);
    await server.stop();
  });

  test('M06 1,000 writes in a second are at most 2 replacements, and one of them comes after the last', async (t) => {
    const { server, dir, reloads } = await start(t);
    await untilAnswer(server, 'one');
    const begin = performance.now();
    for (let i = 0; i < 1000; i++) {
      write(dir.file(`src/many/d${i % 20}/f${i % 250}.php`), `<?php // ${i}`);
      if (i % 10 === 9) await pause(Math.max(0, begin + i - performance.now()));
    }
    const wrote = performance.now() - begin;
    write(dir.file('src/answer.php'), "<?php return 'last';\n");
    await untilAnswer(server, 'last', 15_000);
    const replacements = reloads().length;
    assert.ok(replacements >= 1 && replacements <= 2, `${replacements} replacements`);
    t.diagnostic(`1,000 writes in ${Math.round(wrote)} ms, ${replacements} replacements`);
    await server.stop();
  });

  test('where the system can watch no more files, they are looked at in turn, with one warning', async (t) => {
    // A user namespace has limits of its own.
    if (
      spawnSync('unshare', ['--user', '--map-root-user', 'test', '-w', '/proc/sys/user/max_inotify_watches']).status !==
      0
    )
      return t.skip('user namespaces are not allowed here');
    const set = 'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"';
    const { server, dir, reloads } = await start(t, {
      launcher: ['unshare', '--user', '--map-root-user', 'sh', '-c', set, 'sh'],
      config: { reload: { interval: '100ms' } },
    });
    await server.waitForLog(mentions(/can watch no more files \(ENOSPC\)/), 'of the limit');
    await server.waitForLog(mentions(/^watching .* every 100 ms/), 'of the polling', 20_000);
    for (const word of ['two', 'three']) {
      write(dir.file('src/answer.php'), `<?php return '${word}';\n`);
      await untilAnswer(server, word);
    }
    assert.equal(server.logs.all(mentions(/can watch no more files/)).length, 1);
    assert.ok(reloads().length >= 2);
    assert.equal((await ask(server, '/')).status, 200);
    await server.stop();
  });
});

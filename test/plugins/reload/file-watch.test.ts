// Falls back to polling when the system can watch no more, with one warning; other errors are only told.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { FileWatch } from '../../../src/plugins/reload/file-watch.ts';
import { Globs } from '../../../src/plugins/reload/globs.ts';
import { KeptLog } from '../../server/fake-plugins.ts';

/** Stands for chokidar's watcher. */
class FakeWatcher extends EventEmitter {
  readonly polling: boolean;
  closed = false;

  constructor(polling: boolean) {
    super();
    this.polling = polling;
  }

  getWatched(): Record<string, string[]> {
    return { '/app': ['a.php', 'b.php'] };
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

function rig(poll = false) {
  const watchers: FakeWatcher[] = [];
  const changes: (string | undefined)[] = [];
  const logger = new KeptLog();
  const watch = (_paths: unknown, options: { usePolling?: boolean }) => {
    const watcher = new FakeWatcher(options.usePolling === true);
    watchers.push(watcher);
    return watcher;
  };
  const subject = new FileWatch({
    globs: new Globs('/app', ['**/*.php'], []),
    poll,
    interval: 500,
    logger,
    onChange: (path) => changes.push(path),
    watch: watch as never,
  });
  const warnings = (): string[] => logger.lines.filter((line) => line.startsWith('warn'));
  return { subject, watchers, changes, logger, warnings };
}

const failure = (code: string): Error => Object.assign(new Error(code), { code });

for (const code of ['ENOSPC', 'EMFILE', 'ENFILE']) {
  test(`${code}: polling, one warning, and what changed meanwhile counts`, async () => {
    const { subject, watchers, changes, logger, warnings } = rig();
    watchers[0]?.emit('ready');
    for (let i = 0; i < 5; i++) watchers[0]?.emit('error', failure(code));
    assert.deepEqual(
      watchers.map(({ polling, closed }) => [polling, closed]),
      [
        [false, true],
        [true, false],
      ],
    );
    assert.equal(warnings().length, 1);
    assert.match(
      warnings()[0] ?? '',
      new RegExp(`no more files \\(${code}\\): .* every 500 ms instead; .*max_user_watches`),
    );
    assert.deepEqual(changes, []);
    watchers[1]?.emit('ready');
    assert.deepEqual(changes, [undefined]);
    assert.ok(logger.lines.some((line) => /watching 2 files .* every 500 ms/.test(line)));
    watchers[0]?.emit('all', 'change', '/app/a.php');
    watchers[1]?.emit('all', 'change', '/app/b.php');
    assert.deepEqual(changes.slice(1), ['/app/a.php', '/app/b.php']);
    await subject.close();
    assert.ok(watchers[1]?.closed);
  });
}

test('while the files are still being found: nothing has changed unseen', () => {
  const { watchers, changes } = rig();
  watchers[0]?.emit('error', failure('ENOSPC'));
  watchers[1]?.emit('ready');
  assert.deepEqual(changes, []);
});

test('another error is a warning, and the watch goes on', () => {
  const { watchers, warnings } = rig();
  watchers[0]?.emit('error', failure('EIO'));
  assert.equal(watchers.length, 1);
  assert.deepEqual(warnings(), ['warn a file cannot be watched: EIO']);
});

test('polling from the start, as configured, has nothing to fall back to', () => {
  const { watchers, warnings } = rig(true);
  watchers[0]?.emit('error', failure('EMFILE'));
  assert.deepEqual([watchers.length, watchers[0]?.polling], [1, true]);
  assert.equal(warnings().length, 1);
});

test('directories and files that do not count are no change', () => {
  const { watchers, changes } = rig();
  for (const [event, path] of [
    ['addDir', '/app/x.php'],
    ['unlinkDir', '/app/y'],
    ['add', '/app/a.txt'],
    ['add', '/app/a.php'],
    ['unlink', '/app/a.php'],
  ]) {
    watchers[0]?.emit('all', event, path);
  }
  assert.deepEqual(changes, ['/app/a.php', '/app/a.php']);
});

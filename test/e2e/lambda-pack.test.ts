// rrts lambda pack: what is in the zip, that it is the same each time, and that it answers events where it is unpacked.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { getEvent, resultOf } from '../helpers/lambda-app.ts';
import { LambdaRuntime } from '../helpers/lambda-runtime.ts';
import { cliCommand, exists, fixture, ROOT } from '../helpers/paths.ts';
import { killMarked, MARK } from '../helpers/processes.ts';
import { ServerProcess } from '../helpers/start-server.ts';
import { makeTempDir, type TempDir } from '../helpers/temp-dir.ts';
import { readZip, unzip } from '../helpers/unzip.ts';
import { eventually } from '../helpers/wait-for.ts';

const BUILT = exists(join(ROOT, 'dist/cli/main.js'));
const AUTOLOAD = `<?php
spl_autoload_register(static function (string $class): void {
    foreach (['Rrts\\\\' => 'rrts/php-client/src/', 'Psr\\\\Log\\\\' => 'psr/log/src/'] as $prefix => $folder) {
        $file = __DIR__ . '/' . $folder . strtr(substr($class, strlen($prefix)), '\\\\', '/') . '.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require $file;
        }
    }
});
`;

/** An application with a vendor folder of its own, and much that no function needs. */
function makeApplication(t: TestContext): TempDir {
  const dir = makeTempDir('pack');
  t.after(() => dir.remove());
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(dir.file(name)), { recursive: true });
    writeFileSync(dir.file(name), text);
  };
  write('app.yaml', 'version: "3"\nserver:\n  command: php worker.php\nhttp:\n  address: 127.0.0.1:8080\n');
  const worker = readFileSync(fixture('native/lambda.php'), 'utf8');
  write('worker.php', worker.replace('/../../../../php-client/vendor/autoload.php', '/vendor/autoload.php'));
  write('vendor/autoload.php', AUTOLOAD);
  cpSync(join(ROOT, 'php-client/src'), dir.file('vendor/rrts/php-client/src'), { recursive: true });
  cpSync(join(ROOT, 'php-client/vendor/psr/log/src'), dir.file('vendor/psr/log/src'), { recursive: true });
  write('vendor/rrts/php-client/tests/SomeTest.php', '<?php');
  for (const name of [
    'tests/a.php',
    '.git/config',
    '.env.local',
    'node_modules/x/index.js',
    'old.zip',
    'var/log/a.log',
    'assets/big.psd',
  ]) {
    write(name, 'x');
  }
  for (const name of ['.env', 'src/tests/kept.php', 'var/cache/prod/a.php', 'node_modules/kept/index.js'])
    write(name, 'kept');
  write('bin/tool', '#!/bin/sh\n');
  chmodSync(dir.file('bin/tool'), 0o755);
  symlinkSync('..', dir.file('src/loop'));
  symlinkSync('nowhere', dir.file('src/broken'));
  symlinkSync('itself', dir.file('src/itself'));
  symlinkSync('bin', dir.file('linked'));
  return dir;
}

async function pack(
  dir: TempDir,
  out: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [program = '', ...words] = [...cliCommand(), 'lambda', 'pack', '-c', 'app.yaml', out, ...args];
  return await new Promise((resolve) => {
    execFile(program, words, { cwd: dir.path, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

test('a package has the application, rrts and a bootstrap; unpacked, it answers an event', {
  skip: !BUILT && 'dist is not built',
}, async (t) => {
  const dir = makeApplication(t);
  const packed = await pack(dir, 'out.zip', '--exclude', 'assets', '--include', 'node_modules/kept');
  assert.deepEqual([packed.code, packed.stderr], [0, '']);
  assert.match(
    packed.stdout,
    /^out\.zip: \d+ files, \d+\.\d MB; unzipped \d+\.\d MB \(application 0\.\d MB, rrts \d+\.\d MB\)\n$/,
  );
  t.diagnostic(packed.stdout.trim());
  const entries = readZip(dir.file('out.zip'));
  const names = entries.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, 'no name is there twice');
  const application = names.filter((name) => !/^(?:rrts|vendor)\//.test(name));
  const kept = [
    '.env',
    'app.yaml',
    'bin/tool',
    'linked/tool',
    'node_modules/kept/index.js',
    'src/tests/kept.php',
    'var/cache/prod/a.php',
  ];
  assert.deepEqual(application.sort(), [...kept, 'bootstrap', 'worker.php'].sort());
  for (const name of [
    'vendor/autoload.php',
    'vendor/rrts/php-client/src/Worker.php',
    'rrts/main.mjs',
    'rrts/node_modules/pino-pretty/package.json',
  ]) {
    assert.ok(names.includes(name), name);
  }
  const unwanted =
    /^vendor\/rrts\/php-client\/tests|\.d\.ts$|\.map$|^rrts\/node_modules\/(?:yazl|lmdb|ioredis|typescript|tsx)\//;
  assert.deepEqual(
    names.filter((name) => unwanted.test(name)),
    [],
  );
  const modeOf = (name: string): number => (entries.find((entry) => entry.name === name)?.mode ?? 0) & 0o777;
  assert.deepEqual(['bootstrap', 'bin/tool', 'worker.php'].map(modeOf), [0o755, 0o755, 0o644]);

  const again = await pack(
    dir,
    '../again.zip',
    '--exclude',
    'assets',
    '--include',
    'node_modules/kept',
    '--exclude',
    'out.zip',
  );
  assert.equal(again.code, 0, again.stderr);
  const other = join(dirname(dir.path), 'again.zip');
  t.after(() => rmSync(other, { force: true }));
  assert.ok(readFileSync(dir.file('out.zip')).equals(readFileSync(other)), 'the same files give the same zip');

  await answersAnEvent(t, dir.file('out.zip'));
});

/** Unpacks it as Lambda does, and has it answer an event. */
async function answersAnEvent(t: TestContext, zip: string): Promise<void> {
  const task = makeTempDir('task');
  unzip(zip, task.path);
  const runtime = await LambdaRuntime.start();
  const mark = randomUUID();
  const child = spawn(task.file('bootstrap'), [], {
    cwd: '/',
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      LAMBDA_TASK_ROOT: task.path,
      AWS_LAMBDA_RUNTIME_API: runtime.address,
      RRTS_ALLOW_ROOT: '1',
      [MARK]: mark,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const function_ = new ServerProcess(child, mark, [0, 0], task);
  t.after(async () => {
    await runtime.stop();
    killMarked(mark);
    await function_.discard();
  });
  assert.equal(resultOf<{ statusCode: number }>(await runtime.invoke(getEvent('/pid'))).statusCode, 200);
  await eventually(() => runtime.polled, 'a function that waits');
  await function_.stop();
}

test('an application with folders where Lambda and rrts have files goes into a folder; credentials stay out', {
  skip: !BUILT && 'dist is not built',
}, async (t) => {
  const dir = makeApplication(t);
  for (const name of ['bootstrap/app.php', 'rrts/own.php', 'auth.json', '.npmrc']) {
    mkdirSync(dirname(dir.file(name)), { recursive: true });
    writeFileSync(dir.file(name), '<?php');
  }
  writeFileSync(dir.file('.gitignore'), '/vendor\n.env\n');
  const packed = await pack(dir, 'out.zip');
  assert.equal(packed.code, 0, packed.stderr);
  assert.match(
    packed.stderr,
    /^warning: \.env is in the package, though \.gitignore .*--exclude \.env leaves it out\n$/,
  );
  const names = readZip(dir.file('out.zip')).map(({ name }) => name);
  const beside = names.filter((name) => !name.startsWith('app/') && !name.startsWith('rrts/'));
  assert.deepEqual(beside, ['bootstrap']);
  for (const name of ['app/bootstrap/app.php', 'app/rrts/own.php', 'app/app.yaml', 'app/vendor/autoload.php']) {
    assert.ok(names.includes(name), name);
  }
  assert.ok(!names.includes('app/auth.json') && !names.includes('app/.npmrc'));
  await answersAnEvent(t, dir.file('out.zip'));
});

test('without a bundle, and with a bridge, the files of rrts are packed as they are', {
  skip: !BUILT && 'dist is not built',
}, async (t) => {
  const dir = makeApplication(t);
  const config = readFileSync(dir.file('app.yaml'), 'utf8');
  const sections = [
    ['', ['--no-bundle']],
    ['bridge:\n  modules:\n    random:\n      from: node:crypto\n      allow: [randomUUID]\n', []],
  ] as const;
  for (const [section, args] of sections) {
    writeFileSync(
      dir.file('app.yaml'),
      `${config}kv:\n  shared:\n    driver: redis\n    config:\n      addrs: [127.0.0.1:6379]\n${section}`,
    );
    const packed = await pack(dir, 'out.zip', ...args);
    assert.deepEqual([packed.code, packed.stderr], [0, '']);
    const names = new Set(readZip(dir.file('out.zip')).map(({ name }) => name));
    for (const name of [
      'dist/cli/main.js',
      'dist/plugins/bridge/thread-entry.js',
      'node_modules/zod/package.json',
      'node_modules/ioredis/package.json',
    ]) {
      assert.ok(names.has(`rrts/${name}`), name);
    }
    assert.ok(!names.has('rrts/main.mjs') && !names.has('rrts/node_modules/lmdb/package.json'));
  }
});

test('what cannot be packed is one clear line', { skip: !BUILT && 'dist is not built' }, async (t) => {
  const dir = makeApplication(t);
  const outside = await pack(dir, 'out.zip', '-c', '/etc/hostname');
  assert.equal(outside.code, 69);
  assert.match(outside.stderr, /^rrts: \/etc\/hostname is outside of /);
  const noNode = await pack(dir, 'out.zip', '--node', 'nowhere/node');
  assert.equal(
    noNode.stderr,
    'rrts: --node nowhere/node: there is no such file\n'.replace('nowhere/node', dir.file('nowhere/node')),
  );
  const unwritable = await pack(dir, 'no/such/folder/out.zip');
  assert.equal(unwritable.code, 69);
  assert.match(unwritable.stderr, /^rrts: .*out\.zip cannot be written: ENOENT/);
  writeFileSync(dir.file('app.yaml'), 'version: "3"\nhtpp: {}\n');
  assert.equal((await pack(dir, 'out.zip')).code, 78);
  assert.equal(exists(dir.file('out.zip')), false);
});

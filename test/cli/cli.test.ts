// The command line from outside: texts, exit codes, and where they are printed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { VERSION } from '../../src/version.ts';
import { freePort } from '../helpers/free-port.ts';
import { ROOT } from '../helpers/paths.ts';
import { runCli } from './run-cli.ts';

const GOOD =
  'version: "3"\nserver: { command: php w.php, env: { DB_PASSWORD: hunter2 } }\nhttp: { address: 127.0.0.1:0 }\n';

describe('--version and --help', { concurrency: 2 }, () => {
  test('rrts --version', async (t) => {
    const { code, stdout, stderr } = await runCli(t, ['--version']);
    assert.deepEqual([code, stdout, stderr], [0, `rrts version ${VERSION} (node ${process.version})\n`, '']);
  });

  test('called as rr it begins with "rr version" and a number that Octane accepts', async (t) => {
    const { code, stdout } = await runCli(t, ['--version'], { calledAs: 'rr' });
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^rr version 2025\\.\\d+\\.\\d+ \\(rrts ${VERSION}`));
  });

  for (const words of [['--help'], ['serve', '--help'], ['config', '--help'], ['help', 'serve']]) {
    test(`rrts ${words.join(' ')} has options and examples`, async (t) => {
      const { code, stdout, stderr } = await runCli(t, words);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /Usage: rrts/);
      assert.match(stdout, /--config <file>/);
      assert.match(stdout, /Examples:/);
      assert.ok(stdout.split('\n').every((line) => line.length <= 100));
    });
  }
});

describe('a wrong command line ends with 64', { concurrency: 2 }, () => {
  const cases: readonly (readonly [words: readonly string[], says: RegExp])[] = [
    [[], /Usage: rrts/],
    [['srve'], /unknown command 'srve'[\s\S]*Did you mean serve/],
    [['serve', '--confg', 'x'], /unknown option '--confg'[\s\S]*Did you mean --config/],
    [['serve', '-c'], /argument missing/],
    [['serve', 'extra'], /too many arguments/],
    [['config'], /Usage: rrts config/],
    [['config', 'chek'], /unknown command 'chek'/],
  ];
  for (const [words, says] of cases) {
    test(`rrts ${words.join(' ')}`, async (t) => {
      const { code, stderr } = await runCli(t, words);
      assert.equal(code, 64, stderr);
      assert.match(stderr, says);
    });
  }
});

describe('config', { concurrency: 2 }, () => {
  test('check: no errors', async (t) => {
    const { code, stdout, stderr } = await runCli(t, ['config', 'check', '-c', 'app.yaml'], {
      files: { 'app.yaml': GOOD },
    });
    assert.deepEqual([code, stdout, stderr], [0, 'app.yaml: no errors\n', '']);
  });

  test('check: warnings go to stderr, and not with -s', async (t) => {
    const files = { '.rr.yaml': `${GOOD}temporal: {}\n` };
    const loud = await runCli(t, ['config', 'check'], { files });
    assert.deepEqual(
      [loud.code, loud.stderr],
      [0, 'warning: .rr.yaml:4:1 temporal: rrts does not have this yet; it is ignored\n'],
    );
    const silent = await runCli(t, ['config', 'check', '-s'], { files });
    assert.deepEqual([silent.code, silent.stderr], [0, '']);
  });

  test('check: every error on a line of its own, exit code 78', async (t) => {
    const files = { 'app.yaml': `${GOOD}htp: 1\nlogs: { levle: info }\n` };
    const { code, stdout, stderr } = await runCli(t, ['config', 'check', '-c', 'app.yaml'], { files });
    assert.deepEqual(
      [code, stdout, stderr],
      [
        78,
        '',
        'app.yaml:4:1 htp: unknown key, did you mean http?\napp.yaml:5:9 logs.levle: unknown key, did you mean level?\n',
      ],
    );
  });

  test('print: defaults in, overrides in, secrets out; it loads again', async (t) => {
    const { code, stdout } = await runCli(t, ['-o', 'http.pool.num_workers=3', 'config', 'print', '-c', 'app.yaml'], {
      files: { 'app.yaml': GOOD },
    });
    assert.equal(code, 0);
    assert.doesNotMatch(stdout, /hunter2/);
    const printed = parse(stdout) as { server: { env: object }; http: { pool: Record<string, unknown> } };
    assert.deepEqual(printed.server.env, { DB_PASSWORD: '[redacted]' });
    assert.equal(printed.http.pool['num_workers'], 3);
    assert.equal(printed.http.pool['destroy_timeout'], '60s');
    const again = await runCli(t, ['config', 'check', '-c', 'app.yaml'], { files: { 'app.yaml': stdout } });
    assert.deepEqual([again.code, again.stderr], [0, '']);
  });

  test('schema: the file that the package has', async (t) => {
    const { code, stdout } = await runCli(t, ['config', 'schema']);
    assert.equal(code, 0);
    assert.equal(stdout, readFileSync(join(ROOT, 'config/rrts.schema.json'), 'utf8'));
  });

  test('-w, also as --WorkDir, comes before any path', async (t) => {
    for (const option of ['-w', '--work-dir', '--WorkDir']) {
      const { code } = await runCli(t, ['config', 'check', option, join(ROOT, 'config'), '-c', 'app.yaml']);
      assert.equal(code, 0, option);
    }
    const missing = await runCli(t, ['config', 'check', '-w', '/nowhere']);
    assert.equal(missing.code, 78);
    assert.match(missing.stderr, /^rrts: -w \/nowhere: cannot change to it: ENOENT/);
  });
});

describe('serve that cannot start', { concurrency: 2 }, () => {
  test('no configuration: its path and what to do, 78', async (t) => {
    const { code, stderr } = await runCli(t, ['serve']);
    assert.equal(code, 78);
    assert.match(stderr, /^rrts: the file \.rr\.yaml does not exist\n {2}Name another with -c/);
  });

  test('a section without http: nothing to serve, 78', async (t) => {
    const { code, stderr } = await runCli(t, ['serve', '-s'], { files: { '.rr.yaml': 'version: "3"\n' } });
    assert.equal(code, 78);
    assert.match(stderr, /rrts: the configuration has nothing to serve\n {2}Add an http: section/);
  });

  test('PHP is missing: the command and what to do, 69', async (t) => {
    const { code, stderr } = await runCli(t, ['serve', '-s'], {
      files: { '.rr.yaml': GOOD },
      environment: { PATH: '/nowhere' },
    });
    assert.equal(code, 69, stderr);
    assert.match(stderr, /^rrts: .*"php .*w\.php": php: not found in PATH \(\/nowhere\)\n {2}Install PHP/m);
    assert.doesNotMatch(stderr, /\n {4}at /);
  });

  test('the port of the probes is in use: key, address and cure, 69', async (t) => {
    const port = await freePort();
    const squatter = createServer().listen(port, '127.0.0.1');
    t.after(() => squatter.close());
    const { code, stderr } = await runCli(t, ['serve', '-s', '-o', `status.address=127.0.0.1:${port}`], {
      files: { '.rr.yaml': GOOD },
    });
    assert.equal(code, 69, stderr);
    assert.match(
      stderr,
      new RegExp(`^rrts: status\\.address: cannot listen on 127\\.0\\.0\\.1:${port}: the address is in use\n {2}`, 'm'),
    );
  });

  test('a pid file that cannot be written, 78', async (t) => {
    const { code, stderr } = await runCli(t, ['serve', '-s', '-p', '/nowhere/pid'], { files: { '.rr.yaml': GOOD } });
    assert.equal(code, 78);
    assert.match(stderr, /the pid file \/nowhere\/pid cannot be written/);
  });
});

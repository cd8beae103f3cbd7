// What a good configuration means: defaults, variables, includes, overrides, dotted keys, RoadRunner's habits.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the braces are what is tested

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { HttpConfig } from '../../src/plugins/http/config.ts';
import type { LoadedConfig } from '../../src/server/load-config.ts';
import { GOOD, load, type Wish } from './config-files.ts';

const HTTP = `${GOOD}http:\n  address: :8080\n`;

function good(t: TestContext, wish: Wish): LoadedConfig {
  const { loaded, lines } = load(t, wish);
  assert.deepEqual(lines, []);
  assert.ok(loaded);
  return loaded;
}

function http(t: TestContext, wish: Wish): HttpConfig {
  return good(t, wish).config.plugins.get('http') as HttpConfig;
}

describe('values', () => {
  test('the least file, with defaults in milliseconds and names in camelCase', (t) => {
    const { config, warnings } = good(t, { yaml: HTTP });
    assert.deepEqual(warnings, []);
    assert.equal(config.server?.command, 'php w.php');
    assert.equal(config.server?.relay, 'pipes');
    assert.equal(config.endure.gracePeriod, 30_000);
    assert.deepEqual(config.logs, { output: ['stderr'], lineEnding: '\n' });
    assert.deepEqual([...config.plugins.keys()], ['http']);
    const section = config.plugins.get('http') as HttpConfig;
    assert.deepEqual(section.address, { kind: 'tcp', host: '', port: 8080 });
    assert.equal(section.pool.supervisor.execTtl, 60_000);
  });

  test('JSON is read as well, tabs included', (t) => {
    const yaml = '{\n\t"version": "3",\n\t"server": {"command": ["php", "w.php"]},\n\t"http": {"address": ":1"}\n}\n';
    assert.deepEqual(good(t, { yaml }).config.server?.command, ['php', 'w.php']);
  });

  test('texts become what the schema wants, as in RoadRunner', (t) => {
    const yaml = `${HTTP}  raw_body: "true"\n  middleware: "headers, gzip"\n  pool: { num_workers: "4", command: php x.php }\n`;
    const section = http(t, { yaml });
    assert.equal(section.rawBody, true);
    assert.deepEqual(section.middleware, ['headers', 'gzip']);
    assert.equal(section.pool.numWorkers, 4);
    assert.equal(section.pool.command, 'php x.php');
  });

  test('keys that the user chose keep their spelling', (t) => {
    const yaml = `version: "3"\nserver: { command: w, env: { my_key: 1, Other.Key: true, EMPTY: } }\n`;
    assert.deepEqual(good(t, { yaml }).config.server?.env, { my_key: '1', 'Other.Key': 'true', EMPTY: '' });
  });

  test('anchors, merge keys and x- sections', (t) => {
    const yaml = `${GOOD}x-pool: &pool { num_workers: 3, max_jobs: 5 }\nhttp:\n  address: :1\n  pool: { <<: *pool, max_jobs: 7 }\n`;
    const { pool } = http(t, { yaml });
    assert.equal(pool.numWorkers, 3);
    assert.equal(pool.maxJobs, 7);
  });

  test('dots in keys are levels, at any depth, and merge with what is there', (t) => {
    const yaml = `${GOOD}http.address: :1\nhttp:\n  pool.num_workers: 3\n  pool:\n    supervisor.exec_ttl: 5s\n    max_jobs: 2\n`;
    const section = http(t, { yaml });
    assert.deepEqual(
      [section.address, section.pool.numWorkers, section.pool.supervisor.execTtl, section.pool.maxJobs],
      [{ kind: 'tcp', host: '', port: 1 }, 3, 5000, 2],
    );
  });
});

describe('version', () => {
  test('"2.7" is read with a warning', (t) => {
    const { warnings } = good(t, { yaml: 'version: "2.7"\nserver: { command: w }\n' });
    assert.match(warnings.join(), /^app\.yaml:1:10 version: "2\.7" is read as version "3"/);
  });

  test('an empty file with -o version=3, as Laravel Octane starts RoadRunner', (t) => {
    const overrides = [
      'version=3',
      'http.address=127.0.0.1:8000',
      'server.command=/usr/bin/php,/app/worker.php',
      'http.pool.num_workers=0',
      'http.pool.max_jobs=500',
      'rpc.listen=tcp://127.0.0.1:6001',
      'http.pool.supervisor.exec_ttl=30s',
      'http.static.dir=/app/public',
      'http.middleware=static',
      'logs.mode=production',
      'logs.level=debug',
      'logs.output=stdout',
      'logs.encoding=json',
    ];
    const { config, warnings } = good(t, { yaml: '', overrides });
    assert.deepEqual(config.logs.output, ['stdout']);
    const { listen } = config.plugins.get('rpc') as { listen: unknown };
    assert.deepEqual(listen, { kind: 'tcp', host: '127.0.0.1', port: 6001 });
    assert.deepEqual((config.plugins.get('http') as HttpConfig).middleware, ['static']);
    assert.deepEqual(warnings, ['-o http.static: rrts does not have this yet; it is ignored']);
  });
});

describe('overrides', () => {
  test('the last wins; they win over the file', (t) => {
    const yaml = `${HTTP}  pool: { num_workers: 1, max_jobs: 9 }\n`;
    const { pool } = http(t, { yaml, overrides: ['http.pool.num_workers=2', 'http.pool.num_workers=3'] });
    assert.equal(pool.numWorkers, 3);
    assert.equal(pool.maxJobs, 9);
  });

  test('a value may have equals signs and dollar signs', (t) => {
    const { config } = good(t, { yaml: GOOD, overrides: ['server.env.A=x=y', 'server.env.B=$HOME'] });
    assert.deepEqual(config.server?.env, { A: 'x=y', B: '$HOME' });
  });

  test('errors name -o', (t) => {
    const { lines } = load(t, { yaml: HTTP, overrides: ['http.pool.num_wokers=4', 'http.raw_body=perhaps'] });
    assert.deepEqual(lines, [
      '-o http.raw_body: must be true or false, not "perhaps"',
      '-o http.pool.num_wokers: unknown key, did you mean num_workers?',
    ]);
  });

  for (const override of ['http.address', '=x', '.a=b', 'a..b=c']) {
    test(`${override} is refused`, (t) => {
      const { lines } = load(t, { yaml: HTTP, overrides: [override] });
      assert.deepEqual(lines, [`-o ${override}: must be key=value, such as http.address=:8080`]);
    });
  }
});

describe('variables', () => {
  test('in values and lists, several in one, with defaults', (t) => {
    const yaml = `version: "3"\nserver: { command: [php, "\${SCRIPT}"] }\nhttp: { address: "\${HOST:-127.0.0.1}:\${PORT:-80}" }\n`;
    const { config, warnings } = good(t, { yaml, environment: { SCRIPT: 'a.php', PORT: '81' } });
    assert.deepEqual(config.server?.command, ['php', 'a.php']);
    assert.deepEqual((config.plugins.get('http') as HttpConfig).address, { kind: 'tcp', host: '127.0.0.1', port: 81 });
    assert.deepEqual(warnings, []);
  });

  test('one that is not set is empty, with a warning', (t) => {
    const { config, warnings } = good(t, { yaml: 'version: "3"\nserver: { command: w, env: { A: "x${NOPE}" } }\n' });
    assert.deepEqual(config.server?.env, { A: 'x' });
    assert.deepEqual(warnings, [
      'app.yaml:2:33 server.env.A: $NOPE is not set, so it is empty; ${NOPE:-something} gives it a default',
    ]);
  });

  test('--dotenv and envfile add variables; what is set already wins', (t) => {
    const { config, environment } = good(t, {
      yaml: 'version: "3"\nenvfile: DIR/b.env\nserver: { command: "$A $B $C" }\n',
      files: { 'a.env': 'A=from-a\nB=from-a\n', 'b.env': 'B=from-b\nC="from b"\n' },
      dotenv: 'DIR/a.env',
      environment: { A: 'from-outside' },
    });
    assert.equal(config.server?.command, 'from-outside from-a from b');
    assert.deepEqual(environment, { B: 'from-a', C: 'from b' });
  });

  test('a dotenv file that is not there', (t) => {
    const { error, lines } = load(t, { yaml: 'version: "3"\nenvfile: DIR/none.env\n' });
    assert.equal(error?.code, 'ERR_CONFIG_ENVIRONMENT');
    assert.match(lines.join(), /^app\.yaml:2:10 the dotenv file none\.env cannot be read: ENOENT/);
  });
});

describe('include', () => {
  test('keys of included files win, later files over earlier ones', (t) => {
    const section = http(t, {
      yaml: `${HTTP}  pool: { num_workers: 1, max_jobs: 1 }\n  raw_body: true\ninclude: [DIR/a.yaml, DIR/b.yaml]\n`,
      files: {
        'a.yaml': 'version: "3"\nhttp: { pool: { num_workers: 2 } }\n',
        'b.yaml': 'version: "3"\nhttp.pool.num_workers: 3\n',
      },
    });
    assert.equal(section.pool.numWorkers, 3);
    assert.equal(section.pool.maxJobs, 1);
    assert.equal(section.rawBody, true);
  });

  test('errors name the included file', (t) => {
    const { lines } = load(t, {
      yaml: `${HTTP}include: [DIR/a.yaml]\n`,
      files: { 'a.yaml': 'version: "3"\nhttp:\n  pool: { num_wokers: 2 }\n' },
    });
    assert.deepEqual(lines, ['a.yaml:3:11 http.pool.num_wokers: unknown key, did you mean num_workers?']);
  });

  test('broken syntax in an included file', (t) => {
    const { error, lines } = load(t, { yaml: `${HTTP}include: [DIR/a.yaml]\n`, files: { 'a.yaml': 'a: 1\na: 2\n' } });
    assert.equal(error?.code, 'ERR_CONFIG_SYNTAX');
    assert.deepEqual(lines, ['a.yaml:2:1 this key is there twice']);
  });

  test('a file that is not there: the place of the include', (t) => {
    const { error, lines } = load(t, { yaml: `${HTTP}include:\n  - DIR/none.yaml\n` });
    assert.equal(error?.code, 'ERR_CONFIG_NOT_FOUND');
    assert.deepEqual(lines, ['app.yaml:6:5 the file none.yaml does not exist']);
  });

  test('another version, no version, an include in an include', (t) => {
    const { lines } = load(t, {
      yaml: `${HTTP}include: [DIR/a.yaml, DIR/b.yaml]\n`,
      files: { 'a.yaml': 'version: "2.7"\ninclude: [b.yaml]\n', 'b.yaml': '{}\n' },
    });
    assert.deepEqual(lines, [
      'a.yaml:1:1 version: differs from that of the main file',
      'a.yaml:2:1 include: an included file cannot include others',
      'b.yaml:1:1 version: is missing in the included file b.yaml',
    ]);
  });
});

describe('what only RoadRunner has', () => {
  test('is a warning with its place, at every level', (t) => {
    const yaml = `${HTTP}  ssl: { address: :443, key: k, cert: c }\n  pool:\n    reset_timeout: 60s\n    supervisor: { watch_tick: 5s }\ntcp:\n  read_buf_size: 1\nlogs: { channels: { http: { level: error } } }\n`;
    const { warnings } = good(t, { yaml });
    assert.deepEqual(warnings, [
      'app.yaml:5:3 http.ssl: rrts does not have this yet; it is ignored',
      'app.yaml:7:5 http.pool.reset_timeout: rrts does not have this yet; it is ignored',
      'app.yaml:8:19 http.pool.supervisor.watch_tick: rrts does not have this yet; it is ignored',
      'app.yaml:9:1 tcp: rrts does not have this yet; it is ignored',
      'app.yaml:11:9 logs.channels: rrts does not have this yet; it is ignored',
    ]);
  });

  test('an empty section is a warning, because RoadRunner does not start its plugin either', (t) => {
    const { config, warnings } = good(t, { yaml: `${HTTP}metrics:\n` });
    assert.deepEqual(warnings, ['app.yaml:5:1 metrics: is empty and does nothing']);
    assert.equal(config.plugins.has('metrics'), false);
  });
});

test('a file that is not there, or is a directory', (t) => {
  const { error } = load(t, { yaml: `${HTTP}include: [DIR/]\n` });
  assert.equal(error?.code, 'ERR_CONFIG_NOT_FOUND');
  assert.match(error?.message ?? '', /is a directory$/);
});

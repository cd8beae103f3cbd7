// Log lines: keys, levels, modes, files.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { camelCased } from '../../src/core/camel-case.ts';
import { RrtsError } from '../../src/core/errors.ts';
import { type Logs, openLogs } from '../../src/server/logging.ts';
import { logsSchema } from '../../src/server/logs-config.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';

/** The lines that `write` causes in a file. */
async function lines(t: TestContext, section: object, write: (logs: Logs) => void): Promise<string> {
  const dir = makeTempDir('logs');
  t.after(() => dir.remove());
  const file = dir.file('app.log');
  const logs = openLogs(camelCased(logsSchema, logsSchema.parse({ output: [file], ...section })));
  write(logs);
  await logs.close();
  return readFileSync(file, 'utf8');
}

describe('JSON', () => {
  test("RoadRunner's production keys, in its order", async (t) => {
    const text = await lines(t, { mode: 'production' }, ({ logger }) => logger.info({ a: 1 }, 'hello'));
    assert.match(text, /^\{"level":"info","ts":\d{19},"logger":"rrts","a":1,"msg":"hello"\}\n$/);
  });

  test('a child of a child has one value per key', async (t) => {
    const text = await lines(t, {}, ({ logger }) => {
      logger.child({ logger: 'http' }).child({ logger: 'server', pool: 'http' }).warn({}, 'x');
    });
    assert.match(text, /^\{"level":"warn","ts":\d+,"logger":"server","pool":"http","msg":"x"\}\n$/);
  });

  test('levels', async (t) => {
    const write = ({ logger }: Logs): void => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({}, level);
    };
    const levels = async (section: object): Promise<string[]> =>
      [...(await lines(t, section, write)).matchAll(/"msg":"(\w+)"/g)].map(([, level]) => level ?? '');
    assert.deepEqual(await levels({}), ['info', 'warn', 'error']);
    assert.deepEqual(await levels({ level: 'debug' }), ['debug', 'info', 'warn', 'error']);
    assert.deepEqual(await levels({ level: 'error' }), ['error']);
    assert.deepEqual(await levels({ level: 'panic' }), []);
    assert.deepEqual(await levels({ mode: 'development', encoding: 'json' }), ['debug', 'info', 'warn', 'error']);
  });

  test('a known error has its code and no stack, an unknown one has a stack', async (t) => {
    const text = await lines(t, {}, ({ logger }) => {
      logger.error({ err: new RrtsError('ERR_LISTEN', 'x') }, 'known');
      logger.error({ err: new Error('y') }, 'unknown');
    });
    const [known, unknown] = text.split('\n');
    assert.match(known ?? '', /"err":\{"code":"ERR_LISTEN"\}/);
    assert.match(unknown ?? '', /"stack":"Error: y\\n/);
  });

  test('no line is longer than 8 KiB: the longest texts are cut, the message last', async (t) => {
    const text = await lines(t, {}, ({ logger }) => {
      logger.info({ uri: `/${'a'.repeat(60_000)}`, pid: 7 }, 'a long fact');
      logger.info({ small: 'kept' }, `a long message ${'"'.repeat(60_000)}`);
      logger.error({ err: new Error('€'.repeat(20_000)) }, 'a long stack');
      logger.info({ many: Array.from({ length: 5_000 }, (_, i) => i) }, 'many numbers');
      logger.info({}, 'x'.repeat(8_000));
    });
    const seen = text.split('\n').slice(0, -1);
    assert.equal(seen.length, 5);
    for (const line of seen) assert.ok(Buffer.byteLength(line) < 8192, `${Buffer.byteLength(line)} bytes`);
    const [fact, message, stack, many, whole] = seen.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual([fact?.['msg'], fact?.['pid']], ['a long fact', 7]);
    assert.match(String(fact?.['uri']), /^\/a{4000,}\.\.\.$/);
    assert.equal(message?.['small'], 'kept');
    assert.match(seen[1] ?? '', /^\{"level":"info","ts":\d{19},/);
    assert.equal(stack?.['msg'], 'a long stack');
    assert.deepEqual([many?.['msg'], many?.['many']], ['many numbers', undefined]);
    assert.equal(String(whole?.['msg']).length, 8_000);
  });

  test('JSON has no raw control characters, also not those that JSON allows', async (t) => {
    const text = await lines(t, {}, ({ logger }) => logger.info({ a: '\x7f' }, 'a\u2028b\x9bc\x1b'));
    assert.match(text, /"a":"\\u007f","msg":"a\\u2028b\\u009bc\\u001b"\}\n$/);
    assert.equal(JSON.parse(text).msg, 'a\u2028b\x9bc\x1b');
  });

  test('another line ending', async (t) => {
    const text = await lines(t, { line_ending: '\r\n' }, ({ logger }) => logger.info({}, 'x'));
    assert.ok(text.endsWith('"msg":"x"}\r\n'));
  });
});

describe('text', () => {
  test('development: time, level, logger, message, facts', async (t) => {
    const text = await lines(t, { mode: 'development' }, ({ logger }) => logger.debug({ a: 1 }, 'hello'));
    assert.match(text, /^\[\d\d:\d\d:\d\d\.\d{3}\] DEBUG: rrts: hello \{"a":1\}\n$/);
  });

  test('production with console encoding', async (t) => {
    const text = await lines(t, { mode: 'production', encoding: 'console' }, ({ logger }) => logger.info({}, 'hello'));
    assert.match(text, /INFO: rrts: hello\n$/);
  });

  test('a message cannot look like a line of the log, nor speak to the terminal', async (t) => {
    for (const mode of ['raw', 'development']) {
      const text = await lines(t, { mode }, ({ logger }) => logger.info({}, 'a\n[00:00] ERROR: forged\x1b[2J\r\x9b'));
      assert.match(text, /a\n {4}\[00:00\] ERROR: forged\\x1b\[2J\\r\\x9b\n$/, mode);
    }
  });

  test('raw: the bare message', async (t) => {
    assert.equal(await lines(t, { mode: 'raw' }, ({ logger }) => logger.info({ a: 1 }, 'hello')), 'hello\n');
  });
});

test('none and off write nothing and open nothing', async () => {
  for (const mode of ['none', 'off']) {
    const logs = openLogs(camelCased(logsSchema, logsSchema.parse({ mode, output: ['/proc/nowhere/x'] })));
    logs.logger.error({}, 'x');
    assert.equal(logs.logger.isLevelEnabled('error'), false);
    await logs.close();
  }
});

test('isLevelEnabled tells what is shown, also on children', async (t) => {
  await lines(t, { level: 'info' }, ({ logger }) => {
    const child = logger.child({ logger: 'http' }) as typeof logger;
    assert.equal(child.isLevelEnabled('info'), true);
    assert.equal(child.isLevelEnabled('debug'), false);
  });
});

test('a file that cannot be written is an error of the configuration', () => {
  const config = camelCased(logsSchema, logsSchema.parse({ output: ['/proc/nowhere/app.log'] }));
  assert.throws(() => openLogs(config), {
    code: 'ERR_CONFIG_INVALID',
    message: /^logs\.output: the file \/proc\/nowhere\/app\.log cannot be written/,
  });
});

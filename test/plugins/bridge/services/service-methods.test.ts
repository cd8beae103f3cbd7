// Typed services: what a handler gets, what a caller gets, and what each mistake is told as.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { RrtsError } from '../../../../src/core/errors.ts';
import { type Logger, silentLogger } from '../../../../src/core/logger.ts';
import { bytes, defineService, type Service, z } from '../../../../src/index.ts';
import type { ServiceHost } from '../../../../src/plugins/bridge/services/service-context.ts';
import { serviceMethods } from '../../../../src/plugins/bridge/services/service-methods.ts';
import { type CallContext, CallError, type Codec } from '../../../../src/plugins/rpc-router/method.ts';

function host(callRpc: ServiceHost['callRpc'] = async () => undefined, logger: Logger = silentLogger): ServiceHost {
  return { logger, metrics: new Registry(), pools: () => [], callRpc };
}

async function call(service: Service, method: string, argument?: unknown, codec: Codec = 'msgpack', on = host()) {
  const caller = { name: 'worker 1', debug: false, onGone: () => () => undefined };
  const context: CallContext = { method: `s.${method}`, caller, codec, signal: AbortSignal.timeout(10_000) };
  const run = serviceMethods(service, on)[method];
  assert.ok(run !== undefined);
  return run(argument, context);
}

function isCallError(code: string, text: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof CallError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  };
}

const SIZE = z.object({ width: z.int().min(1).max(100), height: z.int().optional() });

const echo = defineService({
  bytes: {
    input: z.object({ data: bytes(), more: z.array(z.instanceof(Buffer).describe('more')).default([]) }),
    output: z.object({ data: bytes(), length: z.int() }),
    handler: ({ data, more }) => {
      const all = Buffer.concat([data, ...more]);
      return { data: all, length: all.length };
    },
  },
  dates: {
    input: z.object({ from: z.date(), until: z.date().nullish() }),
    output: z.object({ from: z.date(), day: z.int(), until: z.string() }),
    handler: async ({ from, until }) => ({ from, day: from.getUTCDate(), until: String(until) }),
  },
  shapes: {
    input: z.object({
      labels: z.record(z.string(), z.string()).default({}),
      either: z.union([z.int(), z.date(), SIZE]).optional(),
      kind: z.enum(['jpeg', 'webp']).default('webp'),
      big: z.bigint().optional(),
      pair: z.tuple([z.string(), bytes()]).optional(),
    }),
    output: z.unknown(),
    handler: (input) => ({ ...input, set: new Set([1]), map: new Map([[1, 'a']]), none: undefined }),
  },
  nothing: { input: z.object({}), output: z.void(), handler: () => undefined },
  size: { input: SIZE, output: SIZE, handler: (input) => ({ ...input, secret: 'left out' }) },
});

describe('what the handler and the caller get', () => {
  test('MessagePack: text and bytes are one kind of string in PHP', async () => {
    const binary = Buffer.from([0xff, 0x00, 0xfe]);
    assert.deepEqual(await call(echo, 'bytes', { data: 'ä', more: [binary] }), {
      __proto__: null,
      data: Buffer.concat([Buffer.from('ä'), binary]),
      length: 5,
    });
    const wrapped = await call(echo, 'bytes', { data: { $rrts: 'bytes', value: 'abc' } });
    assert.deepEqual(wrapped, { __proto__: null, data: Buffer.from('abc'), length: 3 });
  });

  test('JSON: bytes are base64, in and out', async () => {
    const answer = await call(echo, 'bytes', { data: Buffer.from([0xff, 1]).toString('base64') }, 'json');
    assert.deepEqual(answer, { __proto__: null, data: '/wE=', length: 2 });
    await assert.rejects(
      call(echo, 'bytes', { data: '?' }, 'json'),
      isCallError('ERR_RPC_ARGUMENT', /^data: .*Buffer/),
    );
  });

  test('dates: ISO text or a marked one comes, ISO text goes', async () => {
    const iso = '2026-03-04T05:06:07.891Z';
    for (const from of [iso, { $rrts: 'date', value: iso }, '2026-03-04T06:06:07.891+01:00']) {
      assert.deepEqual(await call(echo, 'dates', { from, until: null }), {
        __proto__: null,
        from: iso,
        day: 4,
        until: 'null',
      });
    }
    await assert.rejects(call(echo, 'dates', { from: 'today' }), isCallError('ERR_RPC_ARGUMENT', /^from: .*date/));
  });

  test('lists for mappings, null for what may be absent, unions, tuples, bigints', async () => {
    const answer = await call(echo, 'shapes', {
      labels: [],
      either: '2026-01-01T00:00:00Z',
      kind: null,
      big: 7,
      pair: ['a', 'b'],
    });
    assert.deepEqual(answer, {
      __proto__: null,
      labels: { __proto__: null },
      either: '2026-01-01T00:00:00.000Z',
      kind: 'webp',
      big: 7n,
      pair: ['a', Buffer.from('b')],
      set: [1],
      map: { __proto__: null, 1: 'a' },
    });
    const list = (await call(echo, 'shapes', { labels: ['x', 'y'] })) as { labels: object };
    assert.deepEqual(list.labels, { __proto__: null, 0: 'x', 1: 'y' });
    const json = (await call(echo, 'shapes', { big: '9007199254740993' }, 'json')) as { big: unknown };
    assert.equal(json.big, '9007199254740993');
  });

  test('no argument for a method without parameters; undeclared keys of a result stay here', async () => {
    for (const argument of [undefined, null, [], {}]) assert.equal(await call(echo, 'nothing', argument), undefined);
    assert.deepEqual(await call(echo, 'size', { width: 3, height: null }), { __proto__: null, width: 3 });
  });
});

describe('mistakes', () => {
  test('of the caller: each with its path', async () => {
    const wrong = { width: 101, height: 'tall' };
    await assert.rejects(
      call(echo, 'size', wrong),
      isCallError('ERR_RPC_ARGUMENT', /^width: .*<=100.*; height: .*expected int|number, received string$/),
    );
    await assert.rejects(
      call(echo, 'size', 'text'),
      isCallError('ERR_RPC_ARGUMENT', /expected object, received string/),
    );
    await assert.rejects(
      call(echo, 'size', Buffer.from('{}'), 'raw'),
      isCallError('ERR_RPC_ARGUMENT', /not raw bytes/),
    );
    const many = defineService({
      all: { input: z.array(z.int()), output: z.void(), handler: () => undefined },
    });
    const texts = Array.from({ length: 30 }, () => 'x');
    await assert.rejects(call(many, 'all', texts), isCallError('ERR_RPC_ARGUMENT', /^0: .*; 19: .*; and 10 more$/));
  });

  test('in a deep tree of a schema that holds itself: told soon', async (t) => {
    const json = defineService({ take: { input: z.json(), output: z.json(), handler: (value) => value } });
    const nested = (leaf: unknown): unknown => {
      let tree = leaf;
      for (let level = 0; level < 100; level++) tree = level % 2 === 0 ? [tree] : { tree };
      return tree;
    };
    const begin = performance.now();
    await assert.rejects(
      call(json, 'take', nested(Buffer.from([255]))),
      isCallError('ERR_RPC_ARGUMENT', /Invalid input/),
    );
    assert.ok((await call(json, 'take', nested(1))) !== undefined);
    t.diagnostic(`100 levels, wrong and right: ${Math.round(performance.now() - begin)} ms`);
  });

  test('in a union: objects by their literals, mappings and lists', async () => {
    const circle = z.object({ kind: z.literal('circle'), made: z.date() });
    const file = z.object({ kind: z.literal('file'), bytes: bytes() });
    const service = defineService({
      take: {
        input: z.object({
          one: z.union([circle, file, z.array(z.date())]),
          map: z.record(z.string(), z.int()).or(z.null()),
        }),
        output: z.unknown(),
        handler: (input) => input,
      },
    });
    const take = (one: unknown, map: unknown = null) => call(service, 'take', { one, map });
    const iso = '2026-01-02T03:04:05.000Z';
    const made = { __proto__: null, kind: 'circle', made: iso };
    assert.deepEqual(await take({ kind: 'circle', made: iso }, [5, 6]), {
      __proto__: null,
      one: made,
      map: { __proto__: null, 0: 5, 1: 6 },
    });
    const got = (await take({ kind: 'file', bytes: 'x' })) as { one: { bytes: unknown } };
    assert.deepEqual(got.one.bytes, Buffer.from('x'));
    assert.deepEqual(await take([iso], []), { __proto__: null, one: [iso], map: { __proto__: null } });
    await assert.rejects(take({ kind: 'square' }), isCallError('ERR_RPC_ARGUMENT', /^one: /));
  });

  test('of the service: the output is checked, logged and named', async () => {
    const lines: string[] = [];
    const logger: Logger = { ...silentLogger, error: (_, text) => lines.push(text), child: () => logger };
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const wrong = defineService({
      // @ts-expect-error a handler gives what its output schema takes
      size: { input: z.object({}), output: SIZE, handler: () => ({ width: 'wide' }) },
      circle: { input: z.object({}), output: z.unknown(), handler: () => circle },
      call: { input: z.object({}), output: z.unknown(), handler: () => ({ list: [{ run: () => 1 }] }) },
      object: { input: z.object({}), output: z.unknown(), handler: () => ({ registry: new Registry() }) },
      date: { input: z.object({}), output: z.unknown(), handler: () => [new Date('no')] },
    });
    const on = host(undefined, logger);
    const told: readonly [string, RegExp][] = [
      ['size', /: width: .*received string/],
      ['circle', /: self\.self\..* is nested too deeply, or holds itself/],
      ['call', /: list\.0\.run is a function/],
      ['object', /: registry is an object of the class Registry/],
      ['date', /: 0 is a date that is no date/],
    ];
    for (const [method, text] of told) {
      await assert.rejects(call(wrong, method, {}, 'msgpack', on), isCallError('ERR_RPC_RESULT', text));
    }
    assert.equal(lines.length, told.length);
    assert.match(lines[0] ?? '', /^s\.size gave what its output schema does not allow: width/);
  });

  test('thrown by a handler: class, code and stack go along; errors of rrts keep their code', async () => {
    const foreign = Object.assign(new Error('not today'), { name: 'CallError', code: 'ERR_RPC_METHOD' });
    const thrown: Record<string, unknown> = {
      type: new TypeError('width is odd'),
      node: Object.assign(new Error('no file'), { code: 'ENOENT' }),
      call: new CallError('refused', 'ERR_RPC_BUSY'),
      foreign,
      rrts: new RrtsError('ERR_RPC_ARGUMENT', 'bad'),
      text: 'plain',
    };
    const service = defineService({
      fail: {
        input: z.object({ what: z.string() }),
        output: z.void(),
        handler: ({ what }) => {
          throw thrown[what];
        },
      },
    });
    const caught = async (what: string) => {
      const error = await call(service, 'fail', { what }).then(
        () => assert.fail('it did not throw'),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof CallError);
      return error;
    };
    const type = await caught('type');
    assert.deepEqual([type.code, type.message, type.details.class], ['ERR_BRIDGE_THREW', 'width is odd', 'TypeError']);
    assert.match(type.details.stack ?? '', /service-methods\.test/);
    assert.equal((await caught('node')).details.nodeCode, 'ENOENT');
    assert.deepEqual(
      [(await caught('foreign')).code, (await caught('rrts')).code],
      ['ERR_RPC_METHOD', 'ERR_RPC_ARGUMENT'],
    );
    assert.deepEqual([(await caught('text')).message, (await caught('text')).code], ['plain', 'ERR_BRIDGE_THREW']);
  });

  test('in the definition', () => {
    const define = defineService as unknown as (methods: object) => Service;
    const good = { input: z.object({}), output: z.void(), handler: () => undefined };
    assert.throws(() => define({ 'a-b': good }), /^TypeError: a-b: is no name for a method$/);
    assert.throws(() => define({ a: { ...good, input: 'text' } }), /^TypeError: a\.input: must be a schema of zod 4/);
    assert.throws(() => define({ a: { ...good, output: undefined } }), /^TypeError: a\.output: must be a schema/);
    assert.throws(() => define({ a: { ...good, handler: 3 } }), /^TypeError: a\.handler: must be a function$/);
  });
});

test('the context: kv through its RPC methods, pools, reset, calls, metrics, logger, signal', async () => {
  const calls: [string, unknown][] = [];
  const stored = new Map<string, unknown>();
  const on = host(async (method, argument) => {
    calls.push([method, argument]);
    const [item] = (argument as { items?: { key: string; value?: Buffer; timeout?: string }[] }).items ?? [];
    if (item === undefined) return true;
    const { key, value } = item;
    if (method === 'kv.Set') stored.set(key, value);
    if (method === 'kv.Delete') stored.delete(key);
    return { items: stored.has(key) ? [{ key, value: stored.get(key) }] : [] };
  });
  const service = defineService({
    use: {
      input: z.object({}),
      output: z.unknown(),
      handler: async (_input, context) => {
        const cache = context.kv('cache');
        const before = [await cache.get('a'), await cache.has('a')];
        await cache.set('a', 'text', 5000);
        const during = [(await cache.get('a'))?.toString(), await cache.has('a')];
        await cache.delete('a');
        await context.reset('http');
        context.logger.info({}, 'used');
        const rest = [await cache.has('a'), context.pools().length, context.signal.aborted, context.method];
        assert.equal(context.metrics, on.metrics);
        return [...before.map(String), ...during, ...rest, await context.call('x.y', {})];
      },
    },
  });
  const answer = await call(service, 'use', undefined, 'msgpack', on);
  assert.deepEqual(answer, ['undefined', 'false', 'text', true, false, 0, false, 's.use', true]);
  const set = calls.find(([method]) => method === 'kv.Set')?.[1] as { storage: string; items: { timeout: string }[] };
  assert.equal(set.storage, 'cache');
  const left = Date.parse(set.items[0]?.timeout ?? '') - Date.now();
  assert.ok(left > 0 && left <= 5000, `${left} ms`);
  assert.deepEqual(
    calls.filter(([method]) => !method.startsWith('kv.')),
    [
      ['resetter.Reset', 'http'],
      ['x.y', {}],
    ],
  );
});

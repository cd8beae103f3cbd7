// The RPC service `app`: levels, attributes, and texts that want to be more than one line of text.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { Logger } from '../../../src/core/logger.ts';
import type { CallContext, Method } from '../../../src/plugins/rpc-router/method.ts';
import { type LogEntry, LogEntrySchema } from '../../../src/protocol/rpc/generated/applogger_pb.ts';
import { appLogMethods } from '../../../src/server/rpc-services/app-log.ts';

const NO_CALL = {} as CallContext;

function rig() {
  const lines: unknown[][] = [];
  const at = (level: string) => (facts: object, text: string) => void lines.push([level, facts, text]);
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  const methods: Record<string, Method> = appLogMethods(logger, (text) => void lines.push(['raw', text]));
  const call = (name: string, argument: unknown): unknown => {
    const method = methods[name];
    if (typeof method === 'function') return method(argument, NO_CALL);
    assert.ok(method !== undefined && 'handle' in method);
    return (method.handle as (message: LogEntry, call: CallContext) => unknown)(entry(argument), NO_CALL);
  };
  return { call, lines };
}

function entry(argument: unknown): LogEntry {
  const { message, ...attributes } = argument as Record<string, string>;
  const logAttrs = Object.entries(attributes).map(([key, value]) => ({ key, value }));
  return create(LogEntrySchema, { message: message ?? '', logAttrs });
}

test('levels are kept; attributes are fields', () => {
  const { call, lines } = rig();
  for (const level of ['Error', 'Warning', 'Info', 'Debug', 'Log']) {
    assert.equal(call(level, `${level} alone`), true);
    call(`${level}WithContext`, { message: `${level} more`, order: '42', user: 'ann' });
  }
  const facts = { order: '42', user: 'ann' };
  assert.deepEqual(lines, [
    ['error', {}, 'Error alone'],
    ['error', facts, 'Error more'],
    ['warn', {}, 'Warning alone'],
    ['warn', facts, 'Warning more'],
    ['info', {}, 'Info alone'],
    ['info', facts, 'Info more'],
    ['debug', {}, 'Debug alone'],
    ['debug', facts, 'Debug more'],
    ['raw', 'Log alone'],
    ['raw', 'Log more order:42,user:ann'],
  ]);
});

test('no record forges a line, a level or a logger', () => {
  const { call, lines } = rig();
  call('Info', 'one\n{"level":"error"}\x1b[31m\0');
  call('InfoWithContext', {
    message: 'x',
    level: 'error',
    logger: 'rrts',
    msg: 'y',
    ['__proto__']: 'z',
    'a\nb': 'c\nd',
  });
  call('Log', 'one\ntwo');
  call('Info', Buffer.from([0x61, 0xff]));
  assert.deepEqual(lines[0], ['info', {}, 'one\\n{"level":"error"}\\x1b[31m\\x00']);
  assert.deepEqual(Object.entries(lines[1]?.[1] as object), [
    ['level_', 'error'],
    ['logger_', 'rrts'],
    ['msg_', 'y'],
    ['__proto__', 'z'],
    ['a\\nb', 'c\\nd'],
  ]);
  assert.deepEqual(lines[2], ['raw', 'one\\ntwo']);
  assert.deepEqual(lines[3], ['info', {}, 'a\ufffd']);
});

test('long texts and many attributes are cut', () => {
  const { call, lines } = rig();
  call('Info', 'x'.repeat(1_000_000));
  assert.match(String(lines[0]?.[2]), /^x{7500,7700}\.\.\.$/);
  call('LogWithContext', { message: '\n'.repeat(10_000), more: '\0'.repeat(10_000) });
  const raw = String(lines.pop()?.[1]);
  assert.ok(raw.length > 3000 && raw.length <= 7.5 * 1024, `${raw.length} characters`);
  call('InfoWithContext', {
    message: 'm',
    ...Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, 'v'])),
  });
  const facts = lines[1]?.[1] as Record<string, string>;
  assert.equal(Object.keys(facts).length, 65);
  assert.equal(facts['dropped_attributes'], '36');
});

test('what is no text is refused', () => {
  const { call } = rig();
  for (const argument of [undefined, null, 1, {}, ['x']]) {
    assert.throws(() => call('Info', argument), {
      code: 'ERR_RPC_ARGUMENT',
      message: 'app: the argument must be a text',
    });
  }
});

// Durations, sizes and addresses: what is accepted, what is refused and in which words.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import {
  address,
  duration,
  formatAddress,
  formatDuration,
  listenOptions,
  parseAddress,
  parseDuration,
  parseSize,
  size,
} from '../../src/core/scalars.ts';

describe('duration', () => {
  const good: readonly (readonly [string | number, number])[] = [
    ['60s', 60_000],
    ['500ms', 500],
    ['1h30m', 5_400_000],
    ['1m30s', 90_000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['2h', 7_200_000],
    ['500us', 1],
    ['500µs', 1],
    ['1ns', 1],
    ['0', 0],
    [0, 0],
    ['0s', 0],
    ['+5s', 5000],
    [' 5s ', 5000],
    ['9999h', 2 ** 31 - 1],
  ];
  for (const [text, milliseconds] of good) {
    test(`${JSON.stringify(text)} is ${milliseconds} ms`, () => assert.equal(parseDuration(text), milliseconds));
  }

  const bad: readonly (readonly [string | number, RegExp])[] = [
    [60, /needs a unit: write 60s/],
    ['60', /needs a unit: write 60s/],
    [1.5, /needs a unit: write 1\.5s/],
    ['-5s', /must not be negative/],
    ['5 s', /must be a duration/],
    ['5d', /must be a duration/],
    ['soon', /must be a duration/],
    ['', /must be a duration/],
    ['1h 30m', /must be a duration/],
    ['s', /must be a duration/],
  ];
  for (const [text, message] of bad) {
    test(`${JSON.stringify(text)} is refused`, () => assert.match(String(parseDuration(text)), message));
  }

  test('what is formatted reads back the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (milliseconds) => {
        assert.equal(parseDuration(formatDuration(milliseconds)), milliseconds);
      }),
    );
  });

  test('as a schema it gives milliseconds, its default included, and has a JSON Schema', () => {
    const schema = z.object({ wait: duration().default(5000).describe('A wait.') });
    assert.deepEqual(schema.parse({}), { wait: 5000 });
    assert.deepEqual(schema.parse({ wait: '1m' }), { wait: 60_000 });
    const wrong = schema.safeParse({ wait: 7 });
    assert.equal(wrong.error?.issues[0]?.message, 'needs a unit: write 7s');
    assert.equal(
      schema.safeParse({ wait: true }).error?.issues[0]?.message,
      'must be a duration such as 60s, 5m or 500ms',
    );
    const { properties } = z.toJSONSchema(schema, { io: 'input' });
    assert.deepEqual(properties?.['wait'], {
      description: 'A wait.',
      type: ['string', 'number'],
      'x-kind': 'duration',
    });
  });
});

describe('size', () => {
  const good: readonly (readonly [string | number, number])[] = [
    ['128mb', 128 * 1024 ** 2],
    ['64MiB', 64 * 1024 ** 2],
    ['512k', 512 * 1024],
    ['1 GB', 1024 ** 3],
    ['1.5kb', 1536],
    ['100b', 100],
    [100, 100],
    ['100', 100],
    [0, 0],
  ];
  for (const [text, bytes] of good) {
    test(`${JSON.stringify(text)} is ${bytes} bytes`, () => assert.equal(parseSize(text), bytes));
  }

  for (const text of ['', 'big', '10tb', '1 2', '-1', '1e3', '9999999999gb']) {
    test(`${JSON.stringify(text)} is refused`, () => assert.equal(typeof parseSize(text), 'string'));
  }

  test('a bare number counts in the unit of the key, a unit wins', () => {
    const schema = size('mb');
    assert.equal(schema.parse(2), 2 * 1024 ** 2);
    assert.equal(schema.parse('2'), 2 * 1024 ** 2);
    assert.equal(schema.parse('2kb'), 2048);
    assert.equal(schema.parse('2b'), 2);
  });
});

describe('address', () => {
  const good: readonly (readonly [string, object])[] = [
    ['127.0.0.1:8080', { kind: 'tcp', host: '127.0.0.1', port: 8080 }],
    [':8080', { kind: 'tcp', host: '', port: 8080 }],
    ['[::1]:8080', { kind: 'tcp', host: '::1', port: 8080 }],
    ['[fe80::1%eth0]:80', { kind: 'tcp', host: 'fe80::1%eth0', port: 80 }],
    ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
    ['tcp://0.0.0.0:6001', { kind: 'tcp', host: '0.0.0.0', port: 6001 }],
    ['unix:///run/app.sock', { kind: 'unix', path: '/run/app.sock' }],
    ['unix://var/app.sock', { kind: 'unix', path: 'var/app.sock' }],
  ];
  for (const [text, expected] of good) {
    test(`${text} is understood`, () => assert.deepEqual(parseAddress(text), expected));
  }

  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /must not be empty/],
    ['8080', /write 127\.0\.0\.1:8080, or :8080/],
    ['localhost', /has no port: write localhost:8080/],
    ['127.0.0.1:', /has no port: write 127\.0\.0\.1:8080/],
    ['127.0.0.1:70000', /above 65535/],
    ['::1:8080', /without brackets/],
    ['http://localhost:8080', /only tcp:\/\/ and unix:\/\//],
    ['a b:80', /must be host:port/],
    ['host:http', /must be host:port/],
    ['unix://', /needs a path/],
    [`unix:///${'x'.repeat(120)}`, /longer than 107 bytes/],
  ];
  for (const [text, message] of bad) {
    test(`${JSON.stringify(text).slice(0, 40)} is refused`, () => assert.match(String(parseAddress(text)), message));
  }

  test('what is formatted reads back the same', () => {
    for (const [text] of good) {
      const parsed = address().parse(text);
      assert.deepEqual(address().parse(formatAddress(parsed)), parsed);
    }
  });

  test('an empty host listens on every interface', () => {
    assert.deepEqual(listenOptions({ kind: 'tcp', host: '', port: 1 }), { port: 1 });
    assert.deepEqual(listenOptions({ kind: 'tcp', host: '::1', port: 1 }), { port: 1, host: '::1' });
    assert.deepEqual(listenOptions({ kind: 'unix', path: '/a' }), { path: '/a' });
  });
});

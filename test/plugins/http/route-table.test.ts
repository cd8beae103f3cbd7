// Which route a request gets: patterns, methods, and the many ways to write one path.

import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ROUTABLE_METHODS, RouteTable } from '../../../src/plugins/http/route-table.ts';
import { routeTable, unusedPools } from '../../../src/plugins/http/routes.ts';

const all = (...paths: string[]): RouteTable<string> => {
  const table = new RouteTable<string>();
  for (const path of paths) assert.equal(table.add(ROUTABLE_METHODS, path, path), undefined, path);
  return table;
};

describe('a path finds its route', () => {
  const table = all(
    '/import',
    '/reports/*',
    '/user/:id',
    '/user/me',
    '/caf\u00e9/*',
    '/a%b',
    '/at@home',
    '/v1/:a-:b',
    '/item/:id(^\\d+$)',
    '/shop/:id?',
    '/',
  );
  for (const [target, route] of [
    ['/import', '/import'],
    ['/import?x=1', '/import'],
    ['/import?/reports/a', '/import'],
    ['/%69mport', '/import'],
    ['/imp%6Frt?%zz', '/import'],
    ['//import', '/import'],
    ['/import/', undefined],
    ['/Import', undefined],
    ['/reports', undefined],
    ['/reports/', '/reports/*'],
    ['/reports/2024/may?full=1', '/reports/*'],
    ['/reports%2Fmay', '/reports/*'],
    ['/%72eports/%ff%fe', '/reports/*'],
    ['/reports/\xff', '/reports/*'],
    ['/reports/%3Fa=b%23c', '/reports/*'],
    ['/reports/%25', '/reports/*'],
    ['/user/7', '/user/:id'],
    ['/user/me', '/user/me'],
    ['/user/m%65', '/user/me'],
    [`/user/${'x'.repeat(8000)}`, '/user/:id'],
    ['/user/7/edit', undefined],
    ['/user/7%2Fedit', undefined],
    ['/caf%C3%A9/1', '/caf\u00e9/*'],
    ['/caf\xc3\xa9/1', '/caf\u00e9/*'],
    ['/a%25b', '/a%b'],
    ['/at%40home', '/at@home'],
    ['/v1/1-2', '/v1/:a-:b'],
    ['/item/7', '/item/:id(^\\d+$)'],
    ['/item/me', undefined],
    ['/shop', '/shop/:id?'],
    ['/shop/7', '/shop/:id?'],
    ['/', '/'],
    ['/?a', '/'],
    ['/nothing', undefined],
    ['/__proto__', undefined],
  ] as const) {
    test(target.slice(0, 60), () => assert.equal(table.find('GET', target), route));
  }
});

test('a path finds the same route however much of it is encoded', () => {
  const patterns = ['/import', '/reports/*', '/user/:id', '/caf\u00e9/*'];
  const table = all(...patterns);
  const paths = ['/import', '/reports/a b/c', '/user/42', '/caf\u00e9/x', '/other'];
  const runs = 5000;
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.infiniteStream(fc.integer({ min: 0, max: 2 })), (path, coins) => {
      const bytes = [...Buffer.from(path)].map((byte, index) => {
        const coin = index === 0 ? 0 : Number(coins.next().value);
        const hex = byte.toString(16).padStart(2, '0');
        if (coin === 0 && byte !== 0x20) return String.fromCharCode(byte);
        return `%${coin === 1 ? hex : hex.toUpperCase()}`;
      });
      const expected = patterns.find((pattern) => path.startsWith(pattern.replace(/[*:].*$/, '')));
      assert.equal(table.find('GET', bytes.join('')), path === '/other' ? undefined : expected);
    }),
    { numRuns: runs },
  );
});

test('every method that Node lets through has routes', () => {
  const table = all('/a');
  const missing = METHODS.filter((method) => table.find(method, '/a') === undefined);
  assert.deepEqual(missing.filter((method) => method !== 'QUERY').toSorted(), ['CONNECT', 'TRACE']);
});

test('methods have routes of their own; GET is HEAD too, unless HEAD has one', () => {
  const routes = [
    { path: '/a', methods: ['GET'], pool: 'one' },
    { path: '/a', methods: ['POST', 'PUT'], pool: 'two' },
    { path: '/b', methods: ['GET'], pool: 'one' },
    { path: '/b', methods: ['HEAD'], pool: 'two' },
  ];
  const table = routeTable(routes, ({ pool }) => pool);
  const found = (path: string) => ['GET', 'HEAD', 'POST', 'DELETE'].map((method) => table?.find(method, path));
  assert.deepEqual(found('/a'), ['one', 'one', 'two', undefined]);
  assert.deepEqual(found('/b'), ['one', 'two', undefined, undefined]);
});

test('without routes there is no table to look at', () =>
  assert.equal(
    routeTable([], () => 1),
    undefined,
  ));

test('a pool that no route leads to is found', () => {
  assert.deepEqual(unusedPools([{ path: '/a', pool: 'one' }, { path: '/b' }], ['one', 'two']), ['two']);
});

test('patterns with several parameters in a segment do not run away on hostile paths', () => {
  const table = all('/a/:x-:y', '/b/:x-:y-:z', '/c/:a-:b-:c-:d', '/d/:file.json');
  const begin = performance.now();
  for (const folder of ['a', 'b', 'c', 'd']) {
    for (const part of ['-', 'a-', '-a', '.json', '%2D']) table.find('GET', `/${folder}/${part.repeat(2500)}/`);
  }
  assert.ok(performance.now() - begin < 1000, `${Math.round(performance.now() - begin)} ms for 20 paths`);
});

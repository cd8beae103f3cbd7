// RoadRunner's JSON head, and what both of its heads share.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bytesToText, textToBytes, uriText } from '../../../src/protocol/http/bytes-text.ts';
import { decodeResponseHead, encodeRequest } from '../../../src/protocol/http/codecs.ts';
import { canonicalName, parseCookies } from '../../../src/protocol/http/go-header.ts';
import { NO_BODY, type RequestBody, type RequestHead, type ResponseHead } from '../../../src/protocol/http/head.ts';
import {
  byteString,
  GET,
  mangled,
  multipart,
  raw,
  requestHeaders,
  soundOrRefused,
  UPLOAD,
  urlencoded,
} from './heads.ts';

const encode = (head: Partial<RequestHead>, body: RequestBody = NO_BODY) => {
  const payload = encodeRequest('json', { ...GET, ...head }, body);
  assert.equal(payload.flags, 0x08);
  return { context: JSON.parse(payload.head.toString('utf8')), body: payload.body.toString('latin1') };
};
const decode = (json: string, flags = 0) => decodeResponseHead('json', flags, Buffer.from(json));

describe('RoadRunner JSON request', () => {
  test('has RoadRunner 2023 context keys', () => {
    const headers = ['host', 'a', 'content-type', 'text/plain', 'x-many', '1', 'x-many', '2', 'cookie', 'c=%41'];
    const { context, body } = encode(
      { headers, target: '/p?q=%41&r', protocol: '2', attributes: { n: 'v' } },
      raw('abc'),
    );
    assert.deepEqual(context, {
      remoteAddr: '127.0.0.1',
      protocol: 'HTTP/2.0',
      method: 'GET',
      uri: 'http://a/p?q=%41&r',
      headers: { 'Content-Type': ['text/plain'], 'X-Many': ['1', '2'], Cookie: ['c=%41'] },
      cookies: { c: 'A' },
      rawQuery: 'q=%41&r',
      parsed: false,
      attributes: { n: 'v' },
      uploads: null,
    });
    assert.equal(body, 'abc');
  });

  test('maps are objects when empty, and __proto__ is a name like any other', () => {
    const { headers, cookies, attributes } = encode({}).context;
    assert.deepEqual({ headers, cookies, attributes }, { headers: {}, cookies: {}, attributes: {} });
    const text = encodeRequest(
      'json',
      { ...GET, headers: ['__proto__', 'x', 'cookie', '__proto__=y'] },
      NO_BODY,
    ).head.toString();
    assert.match(text, /"headers":\{"__proto__":\["x"\],"Cookie":.*"cookies":\{"__proto__":"y"\}/);
  });

  test('forms become JSON trees, uploads a tree of their own', () => {
    assert.deepEqual(encode({ method: 'POST' }, urlencoded('a[]=1&a[]=2')).body, '{"a":["1","2"]}');
    const { context, body } = encode({ method: 'POST' }, multipart([['a[x]', 'y']], [UPLOAD]));
    assert.equal(context.parsed, true);
    assert.equal(body, '{"a":{"x":"y"}}');
    const leaf = { name: 'caf\xe9.txt', mime: 'text/plain', size: 70_000, error: 0, tmpName: '/tmp/é' };
    assert.deepEqual(context.uploads, { 'f\xe9': [leaf] });
  });

  test('an empty form is parsed and an empty object; HEAD and OPTIONS send nothing', () => {
    const empty = encode({ method: 'POST' }, urlencoded(''));
    assert.deepEqual([empty.context.parsed, empty.body], [true, '{}']);
    for (const method of ['HEAD', 'OPTIONS']) {
      const sent = encode({ method }, urlencoded('a=1'));
      assert.deepEqual([sent.context.parsed, sent.body, sent.context.uploads], [false, '', null]);
    }
  });

  test('10,000 sets of headers: UTF-8 is text, other bytes are latin1, none is lost (H24)', () => {
    const seen = fc.property(requestHeaders, (headers) => {
      const { context } = encode({ headers });
      const sent = Object.values(context.headers as Record<string, string[]>).flat();
      assert.equal(sent.length, headers.length / 2);
      for (const text of sent) {
        const original = headers.includes(textToBytes(text)) || headers.includes(text);
        assert.ok(original, JSON.stringify(text));
      }
    });
    fc.assert(seen, { numRuns: 10_000 });
  });

  test('a target with bytes that are not UTF-8 is percent-encoded, CR and LF are removed', () => {
    const { context } = encode({ target: '/\xe9?\xc3\xa9=\xff\r\n' });
    assert.equal(context.uri, 'http://a/%E9?%C3%A9=%FF');
    assert.equal(context.rawQuery, '%C3%A9=%FF');
    assert.equal(encode({ target: '/\xc3\xa9' }).context.uri, 'http://a/é');
  });
});

describe('RoadRunner JSON reply', () => {
  const accepted: readonly [json: string, status: number, headers: string[]][] = [
    ['{"status":200,"headers":{"A":["1","2"],"B":["é"]}}', 200, ['A', '1', 'A', '2', 'B', '\xc3\xa9']],
    ['{"status":204,"headers":[]}', 204, []],
    ['{"status":204,"headers":{}}', 204, []],
    ['{"status":204,"headers":null}', 204, []],
    ['{"status":204}', 204, []],
    [
      '{"status":610,"headers":{"A":"plain","B":[5,true,false,null],"C":[]}}',
      610,
      ['A', 'plain', 'B', '5', 'B', '1', 'B', '', 'B', ''],
    ],
    ['{"status":200,"headers":{"1":["x"],"__proto__":["y"]},"more":1}', 200, ['1', 'x', '__proto__', 'y']],
  ];
  for (const [json, status, headers] of accepted) {
    test(json, () => {
      for (const flags of [0, 0x08]) assert.deepEqual(decode(json, flags), { status, headers });
    });
  }

  const refused = [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{}',
    '{"stop":true}',
    '{"status":"200"}',
    '{"status":200.5}',
    '{"status":-1}',
  ];
  for (const json of [
    ...refused,
    '{"status":200,"headers":1}',
    '{"status":200,"headers":{"A":[[]]}}',
    '{"status":200,"headers":{"A":[{}]}}',
  ]) {
    test(`${json} is refused`, () => assert.throws(() => decode(json), { code: 'ERR_PROTOCOL_HEAD' }));
  }

  test('the error quotes the head and says what is wrong', () => {
    assert.throws(() => decode('<b>Warning</b>\n'), {
      message: 'the head of the reply is not JSON; it begins "<b>Warning</b>\\n"',
    });
  });

  test('any bytes are a reply or refused', () => {
    const isSound = ({ status, headers }: ResponseHead) => Number.isInteger(status) && headers.length % 2 === 0;
    const bytes = mangled([Buffer.from('{"status":200,"headers":{"A":["1","2"],"B":["é"]}}')]);
    fc.assert(
      fc.property(bytes, (head) => soundOrRefused(() => decodeResponseHead('json', 0, head), isSound)),
      { numRuns: 5000 },
    );
  });
});

describe('which codec a reply is in', () => {
  test('is told by its flags, within the kind of the worker', () => {
    const proto = Buffer.from('08c801', 'hex');
    const json = Buffer.from('{"status":200}');
    for (const codec of ['json', 'proto'] as const) {
      assert.equal(decodeResponseHead(codec, 0x80, proto).status, 200);
      assert.equal(decodeResponseHead(codec, 0x08, json).status, 200);
      assert.equal(decodeResponseHead(codec, 0x00, json).status, 200);
      assert.throws(() => decodeResponseHead(codec, 0x10, json), { code: 'ERR_PROTOCOL_HEAD', message: /flags 0x10/ });
      assert.throws(() => decodeResponseHead(codec, 0x88, json), { code: 'ERR_PROTOCOL_HEAD' });
    }
    for (const codec of ['native', 'native-json'] as const) {
      for (const flags of [0, 0x80])
        assert.throws(() => decodeResponseHead(codec, flags, json), { code: 'ERR_PROTOCOL_HEAD' });
    }
  });
});

describe('names, cookies, text', () => {
  test('header names are canonical as Go has them', () => {
    const names = {
      'content-type': 'Content-Type',
      'x-a-b1': 'X-A-B1',
      'X-WEIRD': 'X-Weird',
      'sec-ch-ua': 'Sec-Ch-Ua',
      a_b: 'A_b',
      né: 'né',
      '': '',
    };
    for (const [name, expected] of Object.entries(names)) assert.equal(canonicalName(name), expected);
  });

  test('cookies: unescaped, undecodable dropped, last wins, bytes kept', () => {
    const header = 'a=1; b=x%20y+z; bad=%zz; a=2;c="q"; d={"j":1}; e; =f; sp ace=1; \xe9=1; h=\xe9;g=a=b';
    const cookies = parseCookies(['cookie', header, 'x', 'a=9', 'cookie', 'z=1']);
    const expected = { b: 'x y z', a: '2', c: 'q', d: '{"j":1}', e: '', h: '\xe9', g: 'a=b', z: '1' };
    assert.deepEqual(Object.fromEntries(cookies), expected);
  });

  test('text keeps its characters, bytes that are no text keep theirs', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(fc.property(text, (it) => assert.equal(bytesToText(textToBytes(it)), it)));
    const lossless = (it: string) => bytesToText(it) === it || textToBytes(bytesToText(it)) === it;
    fc.assert(fc.property(byteString, (it) => assert.ok(lossless(it))));
    fc.assert(fc.property(byteString, (it) => assert.equal(unescapeUri(textToBytes(uriText(it))), unescapeUri(it))));
  });
});

function unescapeUri(bytes: string): string {
  return bytes.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

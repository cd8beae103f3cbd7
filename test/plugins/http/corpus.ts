// Raw requests: what must never reach PHP, with the status it gets, and what must.

/** Name, bytes (one character per byte), statuses that are right. */
export type InvalidRow = readonly [name: string, bytes: string, status: number | readonly number[]];

/** Name, bytes, and the target that PHP sees. */
export type ValidRow = readonly [name: string, bytes: string, target: string];

/** A request with `lines` as its headers; Host is among them unless it is the point. */
function withHeaders(lines: string, start = 'GET / HTTP/1.1'): string {
  return `${start}\r\n${lines}${lines === '' ? '' : '\r\n'}\r\n`;
}

const HOST = 'Host: h.test';
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: h.test\r\n\r\n';

function get(target: string): string {
  return withHeaders(HOST, `GET ${target} HTTP/1.1`);
}

function post(lines: string, body: string): string {
  return `POST /post HTTP/1.1\r\n${HOST}\r\n${lines}\r\n\r\n${body}`;
}

function chunked(body: string): string {
  return post('Transfer-Encoding: chunked', body) + SMUGGLED;
}

function fields(count: number, name = 'X-A'): string {
  return Array.from({ length: count }, (_, index) => `${name}-${index}: ${index}`).join('\r\n');
}

const host: InvalidRow[] = [
  ['no Host in 1.1', withHeaders(''), 400],
  ['two Hosts', withHeaders('Host: a\r\nHost: b'), 400],
  ['two equal Hosts', withHeaders('Host: a\r\nHost: a'), 400],
  ['two Hosts, other case', withHeaders('Host: a\r\nhOST: b'), 400],
  ['empty Host', withHeaders('Host:'), 400],
  ['Host with a path', withHeaders('Host: a/b'), 400],
  ['Host with user', withHeaders('Host: user@a'), 400],
  ['Host with user and password', withHeaders('Host: user:pw@a'), 400],
  ['Host list', withHeaders('Host: a, b'), 400],
  ['Host with space', withHeaders('Host: a b'), 400],
  ['Host with tab', withHeaders('Host: a\tb'), 400],
  ['Host with NUL', withHeaders('Host: a\0b'), 400],
  ['Host with backslash', withHeaders('Host: a\\b'), 400],
  ['Host with quote', withHeaders('Host: a"b'), 400],
  ['Host with markup', withHeaders('Host: <script>'), 400],
  ['Host with fragment', withHeaders('Host: a#b'), 400],
  ['Host with query', withHeaders('Host: a?b'), 400],
  ['Host with a word for a port', withHeaders('Host: a:http'), 400],
  ['Host with two ports', withHeaders('Host: a:80:81'), 400],
  ['Host with a long port', withHeaders('Host: a:123456'), 400],
  ['Host that is a port', withHeaders('Host: :80'), 400],
  ['Host with an open bracket', withHeaders('Host: [::1'), 400],
  ['Host in bytes above ASCII', withHeaders('Host: \xc3\xa4'), 400],
];

const length: InvalidRow[] = [
  ['length and chunks', post('Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n') + SMUGGLED, 400],
  ['chunks and length', post('Transfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n') + SMUGGLED, 400],
  ['two lengths', post('Content-Length: 5\r\nContent-Length: 6', 'hello!'), 400],
  ['two equal lengths', post('Content-Length: 5\r\nContent-Length: 5', 'hello'), 400],
  ['list of lengths', post('Content-Length: 5, 5', 'hello'), 400],
  ['negative length', post('Content-Length: -1', 'hello'), 400],
  ['length with plus', post('Content-Length: +5', 'hello'), 400],
  ['hexadecimal length', post('Content-Length: 0x5', 'hello'), 400],
  ['length with a space inside', post('Content-Length: 1 0', 'hello'), 400],
  ['empty length', post('Content-Length:', 'hello'), 400],
  ['length that is a word', post('Content-Length: five', 'hello'), 400],
  ['length with a fraction', post('Content-Length: 5.0', 'hello'), 400],
  ['length beyond 64 bits', post('Content-Length: 99999999999999999999999', 'hello'), 400],
  ['length over the limit', post('Content-Length: 99999999', 'hello'), 413],
  [
    'length over the limit with a form',
    post('Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99999999', 'a=b'),
    413,
  ],
];

const transferEncoding: InvalidRow[] = [
  ['unknown coding', post('Transfer-Encoding: xchunked', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['gzip', post('Transfer-Encoding: gzip', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['gzip, chunked', post('Transfer-Encoding: gzip, chunked', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['chunked, gzip', post('Transfer-Encoding: chunked, gzip', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['chunked, chunked', post('Transfer-Encoding: chunked, chunked', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['chunked, identity', post('Transfer-Encoding: chunked, identity', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['identity', post('Transfer-Encoding: identity', 'hello') + SMUGGLED, [400, 501]],
  [
    'two codings in two lines',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n') + SMUGGLED,
    [400, 501],
  ],
  [
    'gzip and chunked in two lines',
    post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked', '0\r\n\r\n') + SMUGGLED,
    [400, 501],
  ],
  ['chunked with a parameter', post('Transfer-Encoding: chunked;foo', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['chunked in quotes', post('Transfer-Encoding: "chunked"', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['chunked after a vertical tab', post('Transfer-Encoding: \x0bchunked', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['chunked with an umlaut', post('Transfer-Encoding: chunk\xebd', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['empty coding', post('Transfer-Encoding:', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['space before the colon', post('Transfer-Encoding : chunked', '0\r\n\r\n') + SMUGGLED, 400],
  ['folded', post('Transfer-Encoding:\r\n chunked', '0\r\n\r\n') + SMUGGLED, [400, 501]],
  ['chunked in HTTP/1.0', `POST / HTTP/1.0\r\n${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`, 400],
  [
    'chunked in HTTP/1.0, kept alive',
    `POST / HTTP/1.0\r\n${HOST}\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    400,
  ],
];

const chunks: InvalidRow[] = [
  ['size with 0x', chunked('0x5\r\nhello\r\n0\r\n\r\n'), 400],
  ['size with plus', chunked('+5\r\nhello\r\n0\r\n\r\n'), 400],
  ['negative size', chunked('-5\r\nhello\r\n0\r\n\r\n'), 400],
  ['size with underscore', chunked('1_0\r\nhello\r\n0\r\n\r\n'), 400],
  ['size that is a word', chunked('zz\r\nhello\r\n0\r\n\r\n'), 400],
  ['empty size', chunked('\r\nhello\r\n0\r\n\r\n'), 400],
  ['space before the size', chunked(' 5\r\nhello\r\n0\r\n\r\n'), 400],
  ['size of 17 digits', chunked('11111111111111111\r\nhello\r\n0\r\n\r\n'), 400],
  ['size line ends with LF', chunked('5\nhello\r\n0\r\n\r\n'), 400],
  ['size line ends with CR', chunked('5\rhello\r\n0\r\n\r\n'), 400],
  ['data longer than its size', chunked('5\r\nhello!\r\n0\r\n\r\n'), 400],
  ['data ends with LF', chunked('5\r\nhello\n0\r\n\r\n'), 400],
  ['last chunk ends with LF', chunked('5\r\nhello\r\n0\n\n'), 400],
  ['extension with LF', chunked('5;a\nb\r\nhello\r\n0\r\n\r\n'), 400],
  ['extension with NUL', chunked('5;a\0b\r\nhello\r\n0\r\n\r\n'), 400],
  ['64 KB of extensions', chunked(`5;${'a'.repeat(65_536)}\r\nhello\r\n0\r\n\r\n`), [400, 413]],
  ['trailer without colon', chunked('5\r\nhello\r\n0\r\nnonsense\r\n\r\n'), 400],
];

const startLine: InvalidRow[] = [
  ['HTTP/0.9', 'GET /\r\n\r\n', [400, 505]],
  ['HTTP/2.0 on the port of HTTP/1', withHeaders(HOST, 'GET / HTTP/2.0'), [400, 505]],
  ['HTTP/1.2', withHeaders(HOST, 'GET / HTTP/1.2'), [400, 505]],
  ['HTTP/3.0', withHeaders(HOST, 'GET / HTTP/3.0'), [400, 505]],
  ['version without digits', withHeaders(HOST, 'GET / HTTP/x.y'), 400],
  ['version with one digit', withHeaders(HOST, 'GET / HTTP/1'), 400],
  ['version with plus', withHeaders(HOST, 'GET / HTTP/+1.1'), 400],
  ['lower-case http', withHeaders(HOST, 'GET / http/1.1'), 400],
  ['another protocol', withHeaders(HOST, 'GET / ICY/1.1'), 400],
  ['unknown method', withHeaders(HOST, 'BREW / HTTP/1.1'), 400],
  ['lower-case method', withHeaders(HOST, 'get / HTTP/1.1'), 400],
  ['method with NUL', withHeaders(HOST, 'GE\0T / HTTP/1.1'), 400],
  ['no method', withHeaders(HOST, ' / HTTP/1.1'), 400],
  ['space before the method', ` ${get('/')}`, 400],
  ['no target', withHeaders(HOST, 'GET HTTP/1.1'), 400],
  ['tab instead of space', withHeaders(HOST, 'GET\t/\tHTTP/1.1'), 400],
  ['space inside the target', get('/a b'), 400],
  ['something after the version', withHeaders(HOST, 'GET / HTTP/1.1 x'), 400],
  ['TRACE', withHeaders(HOST, 'TRACE / HTTP/1.1'), 405],
  ['CONNECT', withHeaders(HOST, 'CONNECT h.test:443 HTTP/1.1'), 405],
  ['preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [0, 400, 505]],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['binary noise', '\x00\x01\x02\x03\xff\xfe\r\n\r\n', 400],
  ['a mail client', 'EHLO h.test\r\n', 400],
];

const targets: InvalidRow[] = [
  ['fragment', get('/a#b'), 400],
  ['fragment in a query', get('/a?b#c'), 400],
  ['backslash', get('/a\\b'), 400],
  ['backslash in a query', get('/a?b\\c'), 400],
  ['escaped NUL', get('/a%00b'), 400],
  ['escaped NUL in a query', get('/a?b=%00'), 400],
  ['control character', get('/a\x01b'), 400],
  ['bytes above ASCII, which clients escape', get('/\xc3\xa4'), 400],
  ['bytes above ASCII in a query', get('/?\xff'), 400],
  ['DEL', get('/a\x7fb'), 400],
  ['NUL', get('/a\0b'), 400],
  ['tab', get('/a\tb'), 400],
  ['broken escape', get('/a%zz'), 400],
  ['half an escape at the end', get('/a%2'), 400],
  ['lone percent', get('/100%'), 400],
  ['asterisk with GET', get('*'), 400],
  ['asterisk with POST', withHeaders(HOST, 'POST * HTTP/1.1'), 400],
  ['authority form with GET', get('h.test:80'), 400],
  ['path without slash', get('a/b'), 400],
  ['query alone', get('?a=b'), 400],
  ['absolute form, other host', get('http://other.test/'), 400],
  ['absolute form, other port', get('http://h.test:81/'), 400],
  ['absolute form with user', get('http://user@h.test/'), 400],
  ['absolute form, empty host', get('http:///a'), 400],
  ['absolute form, another scheme', get('ftp://h.test/'), 400],
  ['scheme of a script', get('javascript:alert(1)'), 400],
  ['absolute form with fragment', get('http://h.test/a#b'), 400],
  ['target over the limit', get(`/${'a'.repeat(9000)}`), 414],
  ['target far over the limit', get(`/${'a'.repeat(40_000)}`), [414, 431]],
];

const headers: InvalidRow[] = [
  ['101 fields', withHeaders(`${HOST}\r\n${fields(100)}`), 431],
  ['200 fields', withHeaders(`${HOST}\r\n${fields(199)}`), 431],
  ['999 fields', withHeaders(`${fields(998, 'a')}\r\n${HOST}`), 431],
  ['1,000 fields, Host last', withHeaders(`${fields(999, 'a')}\r\n${HOST}`), 431],
  ['1,200 fields, length last', post(`${fields(1200, 'a')}\r\nContent-Length: 5`, 'hello'), 431],
  ['3,000 short fields', withHeaders(`${HOST}\r\n${'a:1\r\n'.repeat(2999)}a:1`), 431],
  ['17 KB in one header', withHeaders(`${HOST}\r\nX-A: ${'a'.repeat(17 * 1024)}`), 431],
  ['64 KB in one header', withHeaders(`${HOST}\r\nX-A: ${'a'.repeat(64 * 1024)}`), 431],
  ['17 KB in many headers', withHeaders(`${HOST}\r\n${`X-A: ${'a'.repeat(300)}\r\n`.repeat(60)}X-B: 1`), 431],
  ['name of 20 KB', withHeaders(`${HOST}\r\n${'a'.repeat(20 * 1024)}: 1`), 431],
  ['two Content-Types', post('Content-Type: text/plain\r\nContent-Type: text/html\r\nContent-Length: 1', 'a'), 400],
  ['no colon', withHeaders(`${HOST}\r\nnonsense`), 400],
  ['empty name', withHeaders(`${HOST}\r\n: 1`), 400],
  ['space in a name', withHeaders(`${HOST}\r\nX A: 1`), 400],
  ['space before the colon', withHeaders(`${HOST}\r\nX-A : 1`), 400],
  ['space before the first header', `GET / HTTP/1.1\r\n ${HOST}\r\n\r\n`, 400],
  ['folded header', withHeaders(`${HOST}\r\nX-A: 1\r\n 2`), 400],
  ['NUL in a name', withHeaders(`${HOST}\r\nX\0A: 1`), 400],
  ['NUL in a value', withHeaders(`${HOST}\r\nX-A: 1\0 2`), 400],
  ['control character in a value', withHeaders(`${HOST}\r\nX-A: 1\x012`), 400],
  ['bare CR in a value', withHeaders(`${HOST}\r\nX-A: 1\rX-B: 2`), 400],
  ['name in parentheses', withHeaders(`${HOST}\r\n(X): 1`), 400],
  ['name with a byte above ASCII', withHeaders(`${HOST}\r\nX-\xe4: 1`), 400],
  ['Expect of something else', withHeaders(`${HOST}\r\nExpect: 200-ok`), 417],
  ['Expect of two things', withHeaders(`${HOST}\r\nExpect: 100-continue, 200-ok`), 417],
];

/** None of these may reach PHP. */
export const INVALID: readonly InvalidRow[] = [
  ...host,
  ...length,
  ...transferEncoding,
  ...chunks,
  ...startLine,
  ...targets,
  ...headers,
];

function close(target: string, lines = HOST): string {
  return withHeaders(`${lines}\r\nConnection: close`, `GET ${target} HTTP/1.1`);
}

/** All of these reach PHP, once, with the target given. */
export const VALID: readonly ValidRow[] = [
  ['root', close('/'), '/'],
  ['path and query', close('/a/b?c=d&e'), '/a/b?c=d&e'],
  ['two slashes', close('//x'), '//x'],
  ['dots stay', close('/a/../b/./c'), '/a/../b/./c'],
  ['semicolon', close('/a;b=c'), '/a;b=c'],
  ['escaped slash', close('/a%2Fb'), '/a%2Fb'],
  ['escaped percent', close('/a%25b'), '/a%25b'],
  ['escaped line feed', close('/a%0ab'), '/a%0ab'],
  ['lone percent in a query', close('/a?b=100%'), '/a?b=100%'],
  ['brackets', close('/a[0]?b[]=c'), '/a[0]?b[]=c'],
  ['braces, pipe, quote, caret, backtick', close('/{a}|"^`'), '/{a}|"^`'],
  ['question marks', close('/?a?b??'), '/?a?b??'],
  ['8,000 bytes', close(`/${'a'.repeat(8000)}`), `/${'a'.repeat(8000)}`],
  ['absolute form', close('http://h.test/a?b'), '/a?b'],
  ['absolute form without path', close('http://h.test'), '/'],
  ['absolute form with query alone', close('http://h.test?a'), '/?a'],
  ['absolute form in capitals', close('HTTP://H.TEST/a'), '/a'],
  ['absolute form with https', close('https://h.test/a'), '/a'],
  ['Host with port', close('/', 'Host: h.test:8080'), '/'],
  ['Host that is an IPv4 address', close('/', 'Host: 127.0.0.1:80'), '/'],
  ['Host that is an IPv6 address', close('/', 'Host: [::1]:80'), '/'],
  ['Host with underscore', close('/', 'Host: my_app'), '/'],
  ['Host last', close('/', `X-A: 1\r\n${HOST}`), '/'],
  ['Host with spaces around', close('/', 'Host:   h.test  '), '/'],
  ['HTTP/1.0 without Host', 'GET /old HTTP/1.0\r\n\r\n', '/old'],
  ['HTTP/1.0 with Host', `GET /old HTTP/1.0\r\n${HOST}\r\n\r\n`, '/old'],
  ['99 fields', withHeaders(`${HOST}\r\nConnection: close\r\n${fields(97)}`), '/'],
  ['100 fields', withHeaders(`${HOST}\r\nConnection: close\r\n${fields(98)}`), '/'],
  ['15 KB in one header', close('/', `${HOST}\r\nX-A: ${'a'.repeat(15 * 1024)}`), '/'],
  ['empty value', close('/', `${HOST}\r\nX-A:`), '/'],
  ['value with bytes above ASCII', close('/', `${HOST}\r\nX-A: \xff\xfe`), '/'],
  ['value with tabs', close('/', `${HOST}\r\nX-A: a\tb`), '/'],
  ['empty line before the request', `\r\n${close('/')}`, '/'],
  ['Upgrade is ignored', close('/', `${HOST}\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk`), '/'],
  ['length of zero', close('/', `${HOST}\r\nContent-Length: 0`), '/'],
  ['PROPFIND', withHeaders(`${HOST}\r\nConnection: close`, 'PROPFIND /dav HTTP/1.1'), '/dav'],
  ['OPTIONS with a path', withHeaders(`${HOST}\r\nConnection: close`, 'OPTIONS /o HTTP/1.1'), '/o'],
  ['DELETE', withHeaders(`${HOST}\r\nConnection: close`, 'DELETE /d HTTP/1.1'), '/d'],
  ['HEAD', withHeaders(`${HOST}\r\nConnection: close`, 'HEAD /h HTTP/1.1'), '/h'],
  ['chunks in capitals', post('Transfer-Encoding: CHUNKED\r\nConnection: close', '5\r\nhello\r\n0\r\n\r\n'), '/post'],
  [
    'chunk with extension',
    post('Transfer-Encoding: chunked\r\nConnection: close', '5;a=b\r\nhello\r\n0\r\n\r\n'),
    '/post',
  ],
  [
    'chunk size with leading zeros',
    post('Transfer-Encoding: chunked\r\nConnection: close', '0005\r\nhello\r\n0\r\n\r\n'),
    '/post',
  ],
  [
    'trailers of a request are dropped',
    post('Transfer-Encoding: chunked\r\nConnection: close', '5\r\nhello\r\n0\r\nHost: evil\r\nX-T: 1\r\n\r\n'),
    '/post',
  ],
  ['Expect: 100-continue', post('Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close', 'hello'), '/post'],
  ['length with leading zeros', post('Content-Length: 0005\r\nConnection: close', 'hello'), '/post'],
];

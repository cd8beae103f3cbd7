// What a client is shown of a failure with pool.debug, and that nobody sees it without.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ErrorCode, RrtsError } from '../../../src/core/errors.ts';
import { debugPage } from '../../../src/plugins/http/debug-page.ts';
import { type ConfigChanges, httpConfig, type Rig, startRig, statusOf } from './http-rig.ts';

const TEXT = `app.php ended with code 255; it printed:\n<b>"Parse" & 'error'</b>`;
const ESCAPED =
  'app.php ended with code 255; it printed:\n&lt;b&gt;&quot;Parse&quot; &amp; &#039;error&#039;&lt;/b&gt;';
const DEBUG: ConfigChanges = { pool: { ...httpConfig().pool, debug: true } };

function request(accept: string, method = 'GET'): string {
  return `${method} / HTTP/1.1\r\nHost: h\r\nAccept: ${accept}\r\nConnection: close\r\n\r\n`;
}

describe('with pool.debug', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig(DEBUG);
  });
  after(() => rig.close());

  for (const [code, status] of [
    ['ERR_WORKER_ERROR', 500],
    ['ERR_WORKER_BOOT', 500],
    ['ERR_WORKER_BOOT_TIMEOUT', 500],
    ['ERR_WORKER_SPAWN', 500],
    ['ERR_WORKER_DIED', 502],
    ['ERR_WORKER_EXEC_TTL', 504],
    ['ERR_POOL_QUEUE_TIMEOUT', 503],
  ] satisfies [ErrorCode, number][]) {
    test(`${code} is ${status} with its text, in HTML for a browser`, async () => {
      rig.pool.answer = (exchange) => exchange.onFailure(new RrtsError(code, TEXT));
      const plain = await rig.exchange(request('*/*'));
      assert.equal(statusOf(plain), status);
      assert.match(plain, /\r\nContent-Type: text\/plain; charset=utf-8\r\n/);
      assert.ok(plain.endsWith(`\n\n${TEXT}\n`), plain);
      const html = await rig.exchange(request('application/xhtml+xml,text/html;q=0.9'));
      assert.equal(statusOf(html), status);
      assert.match(html, /\r\nContent-Type: text\/html; charset=utf-8\r\n/);
      assert.ok(html.includes(`<pre>${ESCAPED}</pre>`), html);
      assert.ok(!html.includes('<b>'));
    });
  }

  test('HEAD gets the length of the page and not the page', async () => {
    rig.pool.answer = (exchange) => exchange.onFailure(new RrtsError('ERR_WORKER_BOOT', TEXT));
    const text = await rig.exchange(request('text/html', 'HEAD'));
    assert.match(text, /\r\nContent-Length: [1-9]\d*\r\n[\s\S]*\r\n\r\n$/);
  });
});

test('error_codes: roadrunner keeps its one status and shows the text too', async (t) => {
  const rig = await startRig({ ...DEBUG, errorCodes: 'roadrunner', internalErrorCode: 555 });
  t.after(() => rig.close());
  rig.pool.answer = (exchange) => exchange.onFailure(new RrtsError('ERR_WORKER_DIED', TEXT));
  const text = await rig.exchange(request('*/*'));
  assert.equal(statusOf(text), 555);
  assert.ok(text.includes(TEXT));
});

test('the page names the cure, and a status without a name stands alone', () => {
  const error = new RrtsError('ERR_WORKER_BOOT_TIMEOUT', 'too slow', { cure: 'Be quick.' });
  assert.equal(debugPage(error, 500, undefined).text, '500 Internal Server Error\n\ntoo slow\n\nBe quick.');
  assert.equal(debugPage(error, 555, undefined).text, '555\n\ntoo slow\n\nBe quick.');
});

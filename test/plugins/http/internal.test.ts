// The internal front believes who connects; a public one believes nobody.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RrtsError } from '../../../src/core/errors.ts';
import { encodeRelayed, FAILURE_HEADER, RELAYED_HEADER } from '../../../src/plugins/relayed-request.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { httpConfig, LogBook, startRig, statusOf } from './http-rig.ts';
import { reply } from './stub-pool.ts';

const RELAYED = encodeRelayed({
  remoteAddress: '198.51.100.4',
  scheme: 'https',
  attributes: { NAME: 'ü'.repeat(40_000) },
  timeoutMs: 2500,
});
const REQUEST = `GET / HTTP/1.1\r\nHost: h\r\n${RELAYED_HEADER}: ${RELAYED}\r\nConnection: close\r\n\r\n`;

test('the internal front: client, scheme, attributes and time limit are those of the relayed request', async (t) => {
  const dir = makeTempDir('internal');
  t.after(() => dir.remove());
  const pool = { ...httpConfig().pool, supervisor: { ...httpConfig().pool.supervisor, execTtl: 2000 } };
  const path = dir.file('s.sock');
  const rows: readonly [limit: number, seen: number][] = [
    [60_000, 2500],
    [0, 2500],
    [2000, 2000],
  ];
  for (const [execTtl, seen] of rows) {
    const limited = { ...pool, supervisor: { ...pool.supervisor, execTtl } };
    const rig = await startRig({ address: { kind: 'unix', path }, pool: limited }, new LogBook(), true);
    rig.pool.answer = (request) => reply(request, 200, {}, 'x');
    assert.equal(statusOf(await rig.exchange(REQUEST)), 200);
    const [request] = rig.pool.submitted;
    assert.deepEqual([request?.remoteAddress, request?.scheme], ['198.51.100.4', 'https']);
    assert.equal(request?.attributes['NAME']?.length, 40_000);
    assert.equal(request?.execTtl, seen);
    assert.equal(request?.headers.includes(RELAYED_HEADER), false);
    rig.pool.answer = (failing) => failing.onFailure(new RrtsError('ERR_WORKER_DIED', 'it died'));
    assert.match(await rig.exchange(REQUEST), new RegExp(`\r\n${FAILURE_HEADER}: ERR_WORKER_DIED\r\n`));
    await rig.close();
  }
});

test('a public front: the header is one of the client, and failures are not explained', async () => {
  const rig = await startRig({ limits: { headerBytes: 512 * 1024 } });
  rig.pool.answer = (request) => reply(request, 200, {}, 'x');
  await rig.exchange(REQUEST);
  const [request] = rig.pool.submitted;
  assert.deepEqual([request?.remoteAddress, request?.scheme, request?.execTtl], ['127.0.0.1', 'http', undefined]);
  assert.deepEqual(request?.attributes, {});
  assert.ok(request?.headers.includes(RELAYED_HEADER));
  rig.pool.answer = (failing) => failing.onFailure(new RrtsError('ERR_WORKER_DIED', 'it died'));
  assert.doesNotMatch(await rig.exchange(REQUEST), new RegExp(FAILURE_HEADER));
  await rig.close();
});

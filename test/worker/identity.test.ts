// Names of users and groups as numbers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRrtsError } from '../../src/core/errors.ts';
import { identityOf } from '../../src/worker/identity.ts';

test('the workers of a user belong to it and to its group, unless another one is named', () => {
  assert.equal(identityOf(undefined, undefined), undefined);
  assert.deepEqual(identityOf('root', undefined), { uid: 0, gid: 0 });
  const daemon = identityOf('root', 'daemon');
  assert.equal(daemon?.uid, 0);
  assert.ok((daemon?.gid ?? 0) > 0);
  assert.equal(identityOf(undefined, 'daemon')?.gid, daemon?.gid);
});

test('an unknown name is a configuration error that names the key', () => {
  for (const [user, group, key] of [
    ['no-such-user', undefined, 'server.user'],
    ['root', 'no-such-group', 'server.group'],
    ['-u', undefined, 'server.user'],
  ] as const) {
    assert.throws(
      () => identityOf(user, group),
      (error) => isRrtsError(error) && error.code === 'ERR_CONFIG_INVALID' && error.message.startsWith(key),
    );
  }
});

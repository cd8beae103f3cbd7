// rpc.Config: keys as in the file, no secrets, bytes as Go sends them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallContext } from '../../../src/plugins/rpc-router/method.ts';
import { configMethod } from '../../../src/server/rpc-services/config-method.ts';

const WRITTEN = {
  version: '3',
  server: { command: 'php worker.php', env: { DATABASE_PASSWORD: 'secret1' } },
  rpc: { listen: 'tcp://127.0.0.1:6001', token: 'secret2' },
  kv: { cache: { driver: 'redis', config: { addrs: ['redis://user:secret3@127.0.0.1:6379'] } } },
};

test('the configuration comes as JSON, in base64 for JSON callers, without secrets', () => {
  const method = configMethod(() => WRITTEN);
  const bytes = method(true, { codec: 'msgpack' } as CallContext);
  assert.ok(Buffer.isBuffer(bytes));
  assert.equal(method(true, { codec: 'json' } as CallContext), bytes.toString('base64'));
  assert.doesNotMatch(bytes.toString(), /secret\d/);
  assert.deepEqual(JSON.parse(bytes.toString()), {
    version: '3',
    server: { command: 'php worker.php', env: { DATABASE_PASSWORD: '[redacted]' } },
    rpc: { listen: 'tcp://127.0.0.1:6001', token: '[redacted]' },
    kv: { cache: { driver: 'redis', config: { addrs: ['redis://user:[redacted]@127.0.0.1:6379'] } } },
  });
});

// What a configuration for rrts serve becomes under rrts lambda.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { stringify } from 'yaml';
import type { HttpConfig } from '../../src/plugins/http/config.ts';
import type { JobsConfig } from '../../src/plugins/jobs/config.ts';
import type { RootConfig } from '../../src/server/config.ts';
import { forLambda } from '../../src/server/lambda-config.ts';
import { loadConfig } from '../../src/server/load-config.ts';
import { makeTempDir } from '../helpers/temp-dir.ts';

function configOf(sections: object): RootConfig {
  const dir = makeTempDir('lambda-config');
  try {
    writeFileSync(dir.file('app.yaml'), stringify({ version: '3', server: { command: 'php a.php' }, ...sections }));
    return forLambda(loadConfig({ file: dir.file('app.yaml') }).config, '/tmp/x/http.sock');
  } finally {
    dir.remove();
  }
}

test('http listens on the internal socket, and pools have one worker unless they say how many', () => {
  const { plugins } = configOf({
    http: {
      address: ':8080',
      pools: { slow: {}, wide: { num_workers: 3 } },
      routes: [
        { path: '/a', pool: 'slow' },
        { path: '/b', pool: 'wide' },
      ],
    },
  });
  const http = plugins.get('http') as HttpConfig;
  assert.deepEqual(http.address, { kind: 'unix', path: '/tmp/x/http.sock' });
  assert.deepEqual(
    [http.pool, http.pools['slow'], http.pools['wide']].map((pool) => pool?.numWorkers),
    [1, 1, 3],
  );
});

test('no queue is consumed, and what makes no sense in a function is left out', () => {
  const { plugins } = configOf({
    jobs: { consume: ['a'], pool: { num_workers: 4 }, pipelines: { a: { driver: 'memory' } } },
    status: { address: '127.0.0.1:1' },
    reload: { watch: ['src'] },
    kv: { one: { driver: 'memory', config: {} } },
  });
  const jobs = plugins.get('jobs') as JobsConfig;
  assert.deepEqual([jobs.consume, jobs.pool.numWorkers, Object.keys(jobs.pipelines)], [[], 4, ['a']]);
  assert.deepEqual([...plugins.keys()].sort(), ['jobs', 'kv', 'lambda']);
  assert.deepEqual(plugins.get('lambda'), { jobs: {}, streaming: false, partialFailures: true, warmup: [] });
});

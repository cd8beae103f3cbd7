// The JSON Schema, the effective configuration, and what is kept secret.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeConfig, editorSchema, effectiveConfig } from '../../src/server/config-schema.ts';
import { isRoadRunnerKey } from '../../src/server/roadrunner-keys.ts';
import { REDACTED, redact, redactText } from '../../src/server/secrets.ts';
import { nearest } from '../../src/server/suggest.ts';

test('defaults are written as a person would write them', () => {
  const pool = describeConfig().properties?.['http']?.properties?.['pool'];
  assert.equal(pool?.properties?.['destroy_timeout']?.default, '60s');
  assert.equal(describeConfig().properties?.['metrics']?.properties?.['address']?.default, '127.0.0.1:2112');
  assert.equal(describeConfig().properties?.['endure']?.properties?.['grace_period']?.default, '30s');
});

test('in an editor a variable may stand for a number, a switch and a choice', () => {
  const http = editorSchema().properties?.['http']?.properties;
  assert.deepEqual(http?.['raw_body']?.type, ['boolean', 'string']);
  assert.equal(http?.['raw_body']?.pattern, '\\$');
  assert.deepEqual(http?.['error_codes']?.anyOf?.[0], { enum: ['rrts', 'roadrunner'] });
  assert.doesNotMatch(JSON.stringify(editorSchema()), /x-kind|x-unit|9007199254740991/);
});

test('every key a person meets has a description', () => {
  const missing: string[] = [];
  const visit = (schema: ReturnType<typeof describeConfig>, path: string): void => {
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      if (property.description === undefined && property.properties === undefined) missing.push(`${path}${key}`);
      visit(property, `${path}${key}.`);
    }
  };
  visit(describeConfig(), '');
  assert.deepEqual(
    missing.filter((path) => !path.endsWith('.env')),
    [],
  );
});

test('the effective configuration has all defaults of the sections that are there', () => {
  const effective = effectiveConfig({ version: '3', http: { address: ':80', pool: { max_jobs: 5 } } });
  const http = effective['http'] as { pool: { max_jobs: number; supervisor: object } };
  assert.equal(http.pool.max_jobs, 5);
  assert.deepEqual(http.pool.supervisor, {
    exec_ttl: '60s',
    ttl: '0',
    idle_ttl: '0',
    max_worker_memory: 0,
    max_worker_memory_hard: 0,
  });
  assert.equal('metrics' in effective, false);
  assert.deepEqual(effective['endure'], { grace_period: '30s' });
});

test('secrets are redacted by the name of their key, and in URLs', () => {
  const shown = redact('', {
    env: {
      DB_PASSWORD: 'a',
      API_TOKEN: 'b',
      APP_SECRET: 'c',
      STRIPE_API_KEY: 'd',
      DATABASE_URL: 'mysql://me:pw@db/x',
      SENTRY_DSN: 'e',
      APP_ENV: 'prod',
      EMPTY_PASSWORD: '',
    },
    secrets: ['f', 'g'],
  });
  assert.deepEqual(shown, {
    env: {
      DB_PASSWORD: REDACTED,
      API_TOKEN: REDACTED,
      APP_SECRET: REDACTED,
      STRIPE_API_KEY: REDACTED,
      DATABASE_URL: `mysql://me:${REDACTED}@db/x`,
      SENTRY_DSN: REDACTED,
      APP_ENV: 'prod',
      EMPTY_PASSWORD: '',
    },
    secrets: [REDACTED, REDACTED],
  });
  assert.equal(redactText('http://a/b and tcp://x:y@z'), `http://a/b and tcp://x:${REDACTED}@z`);
});

test('the nearest word, or none', () => {
  const words = ['num_workers', 'max_jobs', 'command'];
  assert.equal(nearest('num_wokers', words), 'num_workers');
  assert.equal(nearest('NUM-WORKERS', words), 'num_workers');
  assert.equal(nearest('comamnd', words), 'command');
  assert.equal(nearest('elephant', words), undefined);
  assert.equal(nearest('x', words), undefined);
});

test('the table of RoadRunner keys', () => {
  const known = [
    'jobs',
    'http.ssl.acme.email',
    'http.ssl',
    'http.pool.dynamic_allocator',
    'kv.anything.config.pool_size',
    'logs.channels.x.mode',
  ];
  for (const path of known) assert.equal(isRoadRunnerKey(path.split('.')), true, path);
  for (const path of ['job', 'http.sll', 'http.pool.numworkers', 'logs.channel']) {
    assert.equal(isRoadRunnerKey(path.split('.')), false, path);
  }
});

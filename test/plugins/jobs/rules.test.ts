// The small rules of jobs: waits between attempts, dead letters, declared pipelines, sections of the file.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { camelCased } from '../../../src/core/camel-case.ts';
import { retryDelay } from '../../../src/plugins/jobs/back-off.ts';
import { jobsSchema, parsePipeline } from '../../../src/plugins/jobs/config.ts';
import { DEAD_HEADERS, deadLetter, revived } from '../../../src/plugins/jobs/dead-letter.ts';
import { declaredSection } from '../../../src/plugins/jobs/declared.ts';
import { job } from './driver-contract.ts';

describe('waits between attempts', () => {
  const retry = { maxAttempts: 10, delay: 1000, multiplier: 2, maxDelay: 10_000, jitter: 0 };

  test('each is longer, up to the longest', () => {
    const waits = [1, 2, 3, 4, 5, 50].map((attempt) => retryDelay(retry, attempt));
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  test('chance takes a part away', () => {
    const jittery = { ...retry, jitter: 0.5 };
    assert.equal(
      retryDelay(jittery, 1, () => 0),
      1000,
    );
    assert.equal(
      retryDelay(jittery, 1, () => 0.999_999),
      500,
    );
  });
});

describe('dead letters', () => {
  const dead = deadLetter(
    job('a', { attempt: 3, headers: { x: ['y'] }, options: { unique: 'k', timeoutMs: 5 } }),
    'emails',
    'e'.repeat(5000),
    1_700_000_000_000,
  );

  test('say why they are there, and free their unique key', () => {
    assert.equal(dead.attempt, 1);
    assert.deepEqual(dead.options, { timeoutMs: 5 });
    assert.equal(dead.headers[DEAD_HEADERS.error]?.[0]?.length, 2000);
    assert.deepEqual(dead.headers[DEAD_HEADERS.attempts], ['3']);
    assert.deepEqual(dead.headers[DEAD_HEADERS.at], ['2023-11-14T22:13:20.000Z']);
  });

  test('come back as what they were', () => {
    const back = revived(dead);
    assert.equal(back?.pipeline, 'emails');
    assert.equal(back?.failedAt, 1_700_000_000_000);
    assert.deepEqual(back?.job, job('a', { headers: { x: ['y'] }, options: { unique: 'k', timeoutMs: 5 } }));
    assert.equal(revived(job('b')), undefined);
  });
});

describe('declared pipelines', () => {
  test('a flat map of texts becomes a section', () => {
    const map = {
      name: 'emails',
      driver: 'memory',
      priority: '5',
      prefetch: '20',
      dead_letter: 'failed',
      'retry.max_attempts': '7',
      queue: '',
    };
    const { name, section } = declaredSection(map);
    assert.equal(name, 'emails');
    const config = parsePipeline(section);
    assert.ok(typeof config === 'object', String(config));
    assert.equal(config.retry.maxAttempts, 7);
    assert.equal(config.deadLetter, 'failed');
    assert.deepEqual(JSON.parse(JSON.stringify(config.config)), { priority: 5, prefetch: 20 });
  });

  test("what PHP makes of rights and of empty lists, as RoadRunner's package sends them", () => {
    const rights = (permissions: string): unknown => {
      const config = parsePipeline(declaredSection({ name: 'a', driver: 'boltdb', permissions }).section);
      return typeof config === 'object' ? (config.config as Record<string, unknown>)['permissions'] : config;
    };
    assert.deepEqual([rights('493'), rights('384'), rights('0640')], ['755', '600', '0640']);
    assert.match(String(rights('99999')), /octal/);
    const config = parsePipeline(declaredSection({ name: 'a', driver: 'amqp', queue_headers: '[]' }).section);
    assert.ok(typeof config === 'object', String(config));
  });

  test('what is none', () => {
    assert.throws(() => declaredSection({ driver: 'memory' }), /needs a name/);
    assert.throws(() => declaredSection({ name: 'a b', driver: 'memory' }), /needs a name/);
    assert.throws(() => declaredSection({ name: 'a', driver: 'carrier-pigeon' }), /no such driver: "carrier-pigeon"/);
    const { section } = declaredSection({ name: 'a', driver: 'memory', prefetch: 'many' });
    assert.match(String(parsePipeline(section)), /config\.prefetch/);
  });
});

describe('the section of the file', () => {
  const problems = (section: unknown): string[] => {
    const result = jobsSchema.safeParse(section);
    return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  };

  test('defaults', () => {
    const parsed = camelCased(jobsSchema, jobsSchema.parse({ pipelines: { a: { driver: 'memory' } } }));
    assert.deepEqual(parsed.consume, []);
    assert.equal(parsed.pool.supervisor.execTtl, 3_600_000);
    assert.equal(parsed.pipelines['a']?.retry.maxAttempts, 3);
    assert.equal(parsed.pipelines['a']?.maxPayload, 10 * 1024 ** 2);
  });

  test('names that lead nowhere', () => {
    const memory = { driver: 'memory' };
    assert.deepEqual(problems({ consume: ['b'], pipelines: { a: memory } }), [
      'consume.0: there is no pipeline b; there is only a',
    ]);
    assert.deepEqual(problems({ pipelines: { a: { ...memory, pool: 'big' } } }), [
      'pipelines.a.pool: there is no pool big; there is none',
    ]);
    assert.deepEqual(problems({ pipelines: { a: { ...memory, dead_letter: 'x' } } }), [
      'pipelines.a.dead_letter: there is no pipeline x; there is only a',
    ]);
    assert.deepEqual(problems({ pipelines: { a: { ...memory, dead_letter: 'a' } } }), [
      'pipelines.a.dead_letter: is the pipeline itself',
    ]);
    assert.match(problems({ pipelines: { a: { driver: 'memory', config: { dir: 'x' } } } }).join(), /dir/);
  });
});

// What the probes answer, in every state of the server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Health } from '../../../src/plugins/plugin.ts';
import { type Probe, type ReportInput, report } from '../../../src/plugins/status/report.ts';

const WELL: Health = { live: true, ready: true, message: '' };
const BOOTING: Health = { live: true, ready: false, message: 'no worker has booted yet' };
const DEAD: Health = { live: false, ready: false, message: 'broken' };

function ask(probe: Probe, health: Health | undefined, more: Partial<ReportInput> = {}): ReturnType<typeof report> {
  const checks = new Map(health === undefined ? [] : [['http', (): Health => health]]);
  const workers = new Map([['http', health === WELL ? 2 : 0]]);
  return report({ probe, checks, workers, wanted: [], starting: false, stopping: false, unavailable: 503, ...more });
}

const STATES: readonly (readonly [
  name: string,
  health: Health | undefined,
  stopping: boolean,
  live: number,
  health: number,
  ready: number,
])[] = [
  ['serving', WELL, false, 200, 200, 200],
  ['booting', BOOTING, false, 200, 503, 503],
  ['no plugin has started', undefined, false, 200, 200, 503],
  ['a plugin is dead', DEAD, false, 503, 503, 503],
  // As RoadRunner: alive while it drains, but not to be sent anything.
  ['draining', WELL, true, 200, 200, 503],
  ['drained', BOOTING, true, 200, 200, 503],
];

for (const [name, health, stopping, live, healthy, ready] of STATES) {
  test(`${name}: live ${live}, health ${healthy}, ready ${ready}`, () => {
    const statuses = (['live', 'health', 'ready'] as const).map((probe) => ask(probe, health, { stopping }).status);
    assert.deepEqual(statuses, [live, healthy, ready]);
  });
}

test('a server of which a plugin has yet to start is not ready, though others are', () => {
  const starting = { starting: true };
  assert.equal(ask('ready', WELL, starting).status, 503);
  assert.equal(ask('ready', WELL, { ...starting, wanted: ['http'] }).status, 200);
  assert.equal(ask('health', WELL, starting).status, 200);
});

test("a record for each plugin, in RoadRunner's words", () => {
  assert.deepEqual(ask('ready', WELL).plugins, [{ plugin_name: 'http', error_message: '', status_code: 200 }]);
  assert.deepEqual(ask('ready', BOOTING, { unavailable: 500 }), {
    status: 500,
    plugins: [{ plugin_name: 'http', error_message: 'no worker has booted yet', status_code: 500 }],
  });
});

test('only the plugins that were asked for, once each; one that is not there fails', () => {
  const checks = new Map([
    ['http', () => WELL],
    ['jobs', () => DEAD],
  ]);
  assert.equal(ask('live', WELL, { checks }).status, 503);
  assert.equal(ask('live', WELL, { checks, wanted: ['http', 'http'] }).plugins.length, 1);
  assert.equal(ask('live', WELL, { checks, wanted: ['http'] }).status, 200);
  const { status, plugins } = ask('live', WELL, { wanted: ['nope'] });
  assert.equal(status, 503);
  assert.deepEqual(plugins, [{ plugin_name: 'nope', error_message: 'no such plugin', status_code: 404 }]);
});

test('a check that throws is a failure of its plugin, not of the probe', () => {
  const checks = new Map([
    [
      'http',
      (): Health => {
        throw new Error('check is broken');
      },
    ],
  ]);
  assert.deepEqual(ask('live', WELL, { checks }).plugins, [
    { plugin_name: 'http', error_message: 'check is broken', status_code: 500 },
  ]);
});

// Sequences with which the model found faults of the pool, each as short as it gets.

import { after, test } from 'node:test';
import { type Action, HEALTHY, type ModelConfig } from './actions.ts';
import type { ScriptName } from './script.ts';
import { SimClock } from './sim-clock.ts';
import type { Boot } from './sim-process.ts';
import { Totals } from './totals.ts';
import { World } from './world.ts';

const CONFIG: ModelConfig = {
  num_workers: 1,
  max_workers: 0,
  dynamic_allocator: { idle_timeout: '1s', spawn_rate: 5 },
  debug: false,
  prefetch: 8,
  prefetch_sdk: false,
  max_jobs: 0,
  max_queue_size: 20,
  queue_timeout: 1000,
  allocate_timeout: '500ms',
  destroy_timeout: '500ms',
  stream_timeout: '1s',
  supervisor: { exec_ttl: '2s', ttl: '0s', idle_ttl: '0s' },
};

const EXITS: Boot = { ...HEALTHY, fate: 'exits' };

const clock = new SimClock();
after(() => clock.uninstall());

function submit(script: ScriptName): Action {
  return { type: 'submit', wish: { script, post: false, slowClientMs: 0, execTtl: undefined } };
}

function advance(ms: number): Action {
  return { type: 'advance', ms };
}

function reconfigure(changes: Partial<ModelConfig>): Action {
  return { type: 'reconfigure', config: { ...CONFIG, ...changes }, kind: 'native' };
}

function sequence(name: string, changes: Partial<ModelConfig>, actions: readonly Action[]): void {
  test(name, async () => {
    clock.restart();
    const setting = { config: { ...CONFIG, ...changes }, kind: 'native', stops: false, boots: [] } as const;
    await new World(clock, setting, new Totals()).run(actions);
  });
}

sequence(
  'max_jobs: 1 and long requests: twice as many processes as workers, and not one per request',
  { max_jobs: 1 },
  [...Array.from({ length: 5 }, () => submit('longStream')), advance(30), advance(30)],
);

sequence('a reset while the last words of a worker are read that died at its boot: nobody is signalled later', {}, [
  { type: 'boots', boots: [{ ...HEALTHY, fate: 'hangs', lagMs: 2, exitLagMs: 0 }] },
  { type: 'kill', which: 0 },
  advance(5),
  { type: 'kill', which: 0 },
  advance(1),
  { type: 'reset' },
]);

sequence('new settings with fewer workers are taken back: the others start again', { num_workers: 2 }, [
  { type: 'boots', boots: [EXITS] },
  reconfigure({ num_workers: 1 }),
]);

sequence('pool.debug stays what it is when new settings say otherwise', { debug: true }, [
  reconfigure({ num_workers: 2 }),
  submit('quick'),
]);

sequence(
  'fewer workers while a worn one waits for its successor: it goes, and the reset ends',
  { num_workers: 2, max_jobs: 2 },
  [
    { type: 'boots', boots: [HEALTHY, EXITS] },
    { type: 'burst', count: 4, everyPost: 0, everyStall: 0 },
    advance(30),
    reconfigure({ num_workers: 1 }),
  ],
);

sequence(
  'a request that ran longer than queue_timeout before its worker died: it is replayed all the same',
  { queue_timeout: 200 },
  [
    submit('hangOnce'),
    advance(300),
    { type: 'boots', boots: [{ ...HEALTHY, bootMs: 150 }] },
    { type: 'kill', which: 0 },
    advance(200),
  ],
);

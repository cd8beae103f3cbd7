// What can happen to a pool, as data: fast-check makes sequences of it, and shrinks the one that fails.

import fc from 'fast-check';
import type { Wish } from './model-request.ts';
import type { ScriptName } from './script.ts';
import { SCRIPTS } from './script.ts';
import type { Boot, ClientKind } from './sim-process.ts';

/** One thing that happens. `which` picks among what is there, modulo its number. */
export type Action =
  | { readonly type: 'nothing' }
  | { readonly type: 'submit'; readonly wish: Wish }
  | { readonly type: 'burst'; readonly count: number; readonly everyPost: number; readonly everyStall: number }
  | { readonly type: 'cancel'; readonly which: number }
  | { readonly type: 'kill'; readonly which: number }
  /** The process gets no processor for this time; 0: until it is thawed. */
  | { readonly type: 'freeze'; readonly which: number; readonly ms: number }
  | { readonly type: 'thaw'; readonly which: number }
  | { readonly type: 'boots'; readonly boots: readonly Boot[] }
  | { readonly type: 'add' | 'remove' | 'reset' }
  | { readonly type: 'reconfigure'; readonly config: ModelConfig; readonly kind: ClientKind }
  | { readonly type: 'advance'; readonly ms: number }
  | { readonly type: 'stop'; readonly graceMs: number };

/** Keys of `pool:` that the model varies. */
export interface ModelConfig {
  readonly num_workers: number;
  /** 0: always num_workers. */
  readonly max_workers: number;
  readonly dynamic_allocator: { readonly idle_timeout: string; readonly spawn_rate: number };
  /** A process for each request. */
  readonly debug: boolean;
  readonly prefetch: number;
  readonly prefetch_sdk: boolean;
  readonly max_jobs: number;
  readonly max_queue_size: number;
  /** Milliseconds. */
  readonly queue_timeout: number;
  readonly allocate_timeout: string;
  readonly destroy_timeout: string;
  readonly stream_timeout: string;
  readonly supervisor: { readonly exec_ttl: string; readonly ttl: string; readonly idle_ttl: string };
}

/** The start of a sequence. */
export interface Setting {
  readonly config: ModelConfig;
  readonly kind: ClientKind;
  /** Whether it may be stopped before its end. */
  readonly stops: boolean;
  /** The first processes; healthy ones when there are no more. */
  readonly boots: readonly Boot[];
}

const names = Object.keys(SCRIPTS) as ScriptName[];

const anyWish: fc.Arbitrary<Wish> = fc.record({
  script: fc.oneof(
    { weight: 2, arbitrary: fc.constant<ScriptName>('quick') },
    { weight: 3, arbitrary: fc.constantFrom(...names) },
  ),
  post: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  slowClientMs: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(1, 40, 400) },
  ),
  execTtl: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(20, 800) },
  ),
});

const anyBoot: fc.Arbitrary<Boot> = fc.record({
  fate: fc.oneof(
    { weight: 5, arbitrary: fc.constant('ok' as const) },
    {
      weight: 4,
      arbitrary: fc.constantFrom('exits', 'hangs', 'garbage', 'version', 'dies-when-ready', 'no-spawn'),
    },
  ),
  spawnMs: fc.constantFrom(0, 0, 3),
  bootMs: fc.constantFrom(1, 5, 20, 90),
  lagMs: fc.constantFrom(0, 0, 1, 2),
  exitLagMs: fc.constantFrom(0, 1, 4),
  stubborn: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  grandchild: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  split: fc.boolean(),
  loses: fc.boolean(),
});

/** A process without faults. */
export const HEALTHY: Boot = {
  fate: 'ok',
  spawnMs: 0,
  bootMs: 5,
  lagMs: 0,
  exitLagMs: 1,
  stubborn: false,
  grandchild: false,
  split: false,
  loses: false,
};

const aWorkingBoot = anyBoot.map((boot): Boot => ({ ...boot, fate: 'ok', bootMs: Math.min(boot.bootMs, 20) }));

const anyKind = fc.constantFrom<ClientKind>('native', 'native', 'native', 'sdk', 'native-without-prefetch');

const anyConfig: fc.Arbitrary<ModelConfig> = fc.record({
  num_workers: fc.integer({ min: 1, max: 4 }),
  max_workers: fc.constantFrom(0, 0, 5, 6),
  dynamic_allocator: fc.record({ idle_timeout: fc.constantFrom('1s', '3s'), spawn_rate: fc.constantFrom(5, 50) }),
  debug: fc.constant(false),
  prefetch: fc.constantFrom(8, 8, 2, 0),
  prefetch_sdk: fc.boolean(),
  max_jobs: fc.constantFrom(0, 0, 0, 1, 2, 5),
  max_queue_size: fc.constantFrom(20, 100, 100, 3),
  queue_timeout: fc.constantFrom(200, 1000, 3000),
  allocate_timeout: fc.constantFrom('60ms', '500ms'),
  destroy_timeout: fc.constantFrom('500ms', '60s'),
  stream_timeout: fc.constantFrom('50ms', '1s'),
  supervisor: fc.record({
    exec_ttl: fc.constantFrom('60ms', '300ms', '2s'),
    ttl: fc.constantFrom('0s', '0s', '500ms'),
    idle_ttl: fc.constantFrom('0s', '0s', '300ms'),
  }),
});

/** Any start of a sequence. */
export const anySetting: fc.Arbitrary<Setting> = fc.record({
  config: fc.oneof(
    { weight: 11, arbitrary: anyConfig },
    { weight: 1, arbitrary: anyConfig.map((config) => ({ ...config, debug: true })) },
  ),
  stops: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  kind: anyKind,
  boots: fc.oneof(
    { weight: 9, arbitrary: fc.array(aWorkingBoot, { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(anyBoot, { maxLength: 4 }) },
  ),
});

const which = fc.nat(20);

/** Any action. It shrinks to `nothing`. */
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.constant({ type: 'nothing' as const }) },
  { weight: 30, arbitrary: fc.record({ type: fc.constant('submit' as const), wish: anyWish }) },
  {
    weight: 20,
    arbitrary: fc.record({
      type: fc.constant('burst' as const),
      count: fc.integer({ min: 2, max: 12 }),
      everyPost: fc.constantFrom(0, 0, 2, 5),
      everyStall: fc.constantFrom(0, 0, 3, 7),
    }),
  },
  {
    weight: 30,
    arbitrary: fc.record({ type: fc.constant('advance' as const), ms: fc.constantFrom(1, 1, 2, 3, 5, 8, 13, 30, 100) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('advance' as const), ms: fc.constantFrom(300, 700, 2500) }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('cancel' as const), which }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('kill' as const), which }) },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('freeze' as const), which, ms: fc.constantFrom(0, 5, 12, 20, 40) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('thaw' as const), which }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('boots' as const),
      boots: fc.array(anyBoot, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('add' as const, 'remove' as const, 'reset' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('reconfigure' as const), config: anyConfig, kind: anyKind }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('stop' as const), graceMs: fc.constantFrom(0, 30, 500) }),
  },
);

/** A sequence of this many actions. */
export function anySequence(length: number): fc.Arbitrary<Action[]> {
  return fc.array(anyAction, { minLength: length, maxLength: length });
}

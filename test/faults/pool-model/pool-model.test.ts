// P10: random sequences of all that can happen to a pool, in simulated time, and what must hold whatever happens.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LONG, pick } from '../rig/length.ts';
import { report } from '../rig/report.ts';
import { type Action, anySequence, anySetting, type Setting } from './actions.ts';
import { SimClock } from './sim-clock.ts';
import { Totals } from './totals.ts';
import { World } from './world.ts';

const STEPS = 55; // 50 and more, although some sequences end with the boot
const SEQUENCES = Number(process.env['RRTS_MODEL_SEQUENCES'] ?? 5000);
/** The short form ends after this time; it has to have done this many sequences by then. */
const SHORT_MS = 20_000;
const SHORT_SEQUENCES = 40;
/** The short form is the same each time, as far as it gets; the long one looks for what is new. */
const SHORT_SEED = 20_260_217;
/** Sequences between two looks at the time. */
const ROUND = 25;

test('P10 a pool in whatever sequence of events loses no request, answers none twice, and ends clean', async (t) => {
  const seed = Number(process.env['RRTS_TEST_SEED'] ?? pick(SHORT_SEED, Math.floor(Math.random() * 0x7fffffff)));
  const begin = process.hrtime.bigint();
  const elapsed = (): number => Number(process.hrtime.bigint() - begin) / 1e6;
  const clock = new SimClock();
  const totals = new Totals();
  const run = async (setting: Setting, actions: readonly Action[], story?: string[]): Promise<void> => {
    clock.restart();
    await new World(clock, setting, totals, story).run(actions);
  };
  const property = fc.asyncProperty(anySetting, anySequence(STEPS), (setting, actions) => run(setting, actions));
  try {
    for (let round = 0; totals.sequences < SEQUENCES && (LONG || elapsed() < SHORT_MS); round++) {
      const result = await fc.check(property, { numRuns: ROUND, seed: seed + round });
      if (result.failed) assert.fail(await tell(result.counterexample as [Setting, Action[]], seed + round, run));
    }
  } finally {
    clock.uninstall();
  }
  const { errors, ...counts } = totals;
  const codes = [...errors].map(([code, count]) => `${code} ${count}`).join(' ');
  report(
    t,
    { ...counts, codes: `{${codes}}`, seed: `${seed}`, seconds: elapsed() / 1000 },
    {
      sequences: LONG ? SEQUENCES : SHORT_SEQUENCES,
      replays: 1,
      handedBack: 1,
      crashes: 1,
      kills: 1,
    },
  );
});

/** The shrunk sequence, and all that happens in it. */
async function tell(
  [setting, actions]: [Setting, Action[]],
  seed: number,
  run: (setting: Setting, actions: readonly Action[], story: string[]) => Promise<void>,
): Promise<string> {
  const story: string[] = [];
  const what = await run(setting, actions, story).then(
    () => 'it does not fail again',
    (error: unknown) => String(error instanceof Error ? error.stack : error),
  );
  const steps = actions.filter(({ type }) => type !== 'nothing').map((action) => JSON.stringify(action));
  return [what, `seed ${seed}`, JSON.stringify(setting), ...steps, '', ...story].join('\n');
}

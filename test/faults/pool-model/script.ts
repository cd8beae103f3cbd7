// What a simulated application does with a request: steps, each some milliseconds after the one before.

/** One step. The names say what the worker sends or does then. */
export interface Step {
  readonly after: number;
  readonly act: Act;
}

export type Act =
  /** Whole answers. */
  | 'reply'
  | 'error'
  /** Hands the request back without having begun it. */
  | 'stop-wish'
  /** A streamed answer. */
  | 'part'
  | 'ping-part'
  | 'end'
  /** Faults. */
  | 'die'
  | 'segfault'
  | 'garbage'
  | 'bad-head'
  | 'reply-without-option'
  | 'half-reply'
  | 'stray-begin'
  | 'stray-control'
  | 'close-channel';

/** Steps for the first handling of a request, and for every later one. A script without an end hangs. */
export interface Script {
  readonly first: readonly Step[];
  readonly later: readonly Step[];
}

const step = (after: number, act: Act): Step => ({ after, act });

const reply = [step(1, 'reply')];

/** The same each time. */
const always = (...steps: Step[]): Script => ({ first: steps, later: steps });

/** A fault on the first handling only: a second attempt succeeds. */
const once = (...steps: Step[]): Script => ({ first: steps, later: reply });

/** Applications by name. Quick ones are under 5 ms, which is what makes the pool send requests ahead. */
export const SCRIPTS = {
  quick: always(step(1, 'reply')),
  short: always(step(3, 'reply')),
  stalling: always(step(12, 'reply')),
  slow: always(step(40, 'reply')),
  failing: always(step(1, 'error')),
  handsBack: once(step(0, 'stop-wish')),
  handsBackAlways: always(step(0, 'stop-wish')),
  stream: always(step(1, 'part'), step(1, 'part'), step(2, 'end')),
  longStream: always(step(2, 'part'), step(30, 'ping-part'), step(30, 'part'), step(30, 'part'), step(30, 'end')),
  endless: always(step(1, 'part'), ...Array.from({ length: 40 }, () => step(20, 'part'))),
  failingStream: always(step(1, 'part'), step(1, 'error')),
  hang: always(),
  hangOnce: once(),
  dies: always(step(1, 'die')),
  diesOnce: once(step(2, 'die')),
  segfaults: once(step(0, 'segfault')),
  diesAfterReply: always(step(1, 'reply'), step(0, 'die')),
  diesInStream: always(step(1, 'part'), step(1, 'die')),
  diesMidFrame: always(step(1, 'half-reply'), step(0, 'die')),
  stallsMidFrame: always(step(1, 'half-reply')),
  garbage: always(step(1, 'garbage')),
  garbageInStream: always(step(1, 'part'), step(1, 'garbage')),
  badHead: always(step(1, 'bad-head')),
  noOption: always(step(1, 'reply-without-option')),
  strayBegin: always(step(1, 'stray-begin'), step(1, 'reply')),
  strayControl: always(step(1, 'stray-control'), step(1, 'reply')),
  closesChannel: always(step(1, 'close-channel')),
} as const satisfies Record<string, Script>;

export type ScriptName = keyof typeof SCRIPTS;

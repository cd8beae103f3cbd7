// A request of the model: it knows all that has happened to it, and what must not.

import { type ErrorCode, RrtsError } from '../../../src/core/errors.ts';
import { PoolRequest } from '../../../src/pool/request.ts';
import { FLAG } from '../../../src/protocol/frame.ts';
import type { HeadCodec, Payload } from '../../../src/protocol/payload.ts';
import type { Worker } from '../../../src/worker/worker.ts';
import { type Act, SCRIPTS, type Script, type ScriptName, type Step } from './script.ts';
import type { SimProcess } from './sim-process.ts';

/** What a client asks for. */
export interface Wish {
  readonly script: ScriptName;
  readonly post: boolean;
  /** Takes no more after each part, until this many milliseconds have passed; 0 takes all. */
  readonly slowClientMs: number;
  /** Its own limit in milliseconds; undefined for the pool's. */
  readonly execTtl: number | undefined;
}

/** One beginning of its execution. */
interface Execution {
  readonly at: number;
  readonly process: SimProcess;
  readonly attempt: number;
  /** The pool took the request back from this process: it had to assume that it was not begun. */
  takenBack: boolean;
}

/** What a request needs of its world. */
export interface Court {
  /** Something happened that must not. */
  accuse(what: string): void;
  /** Something happened that is worth a line in the story of a failed sequence. */
  tell(line: () => string): void;
  /** True for pool.debug. */
  readonly startsProcessPerRequest: boolean;
  /** The least queue_timeout, in milliseconds. */
  readonly shortestWait: number;
  /** The process of a worker. */
  processOf(pid: number): SimProcess;
  /** The client of a slow request takes bytes again later. */
  resumeLater(request: ModelRequest, ms: number): void;
}

/** One request, from its submission to its end. */
export class ModelRequest extends PoolRequest {
  readonly id: number;
  readonly wish: Wish;
  readonly executions: Execution[] = [];
  /** Processes it was given to. */
  readonly #holders = new Set<SimProcess>();
  /** How often it was given to a worker. */
  handouts = 0;
  parts = 0;
  /** When the model first saw it in the queue it is in now; undefined while it is in none. */
  queuedSince: number | undefined;
  readonly #submittedAt = performance.now();
  /** Milliseconds for which it ran on processes that died. */
  #ran = 0;
  done = false;
  error: RrtsError | undefined;
  readonly #court: Court;
  #holder: Worker | undefined;

  constructor(id: number, wish: Wish, court: Court) {
    super(!wish.post);
    this.id = id;
    this.wish = wish;
    this.#court = court;
    this.execTtl = wish.execTtl;
    // When the pool lets go of a worker's hand matters: see Execution.takenBack.
    Object.defineProperty(this, 'worker', { get: () => this.#holder, set: (worker) => this.#hold(worker) });
  }

  /** True while the pool owes it an end. */
  get open(): boolean {
    return !this.done && this.error === undefined && !this.cancelled;
  }

  override get label(): string {
    return `${this.wish.post ? 'POST' : 'GET'} ${this.wish.script} ${this.id}`;
  }

  /** A process begins to run it. */
  begun(process: SimProcess, attempt: number): void {
    this.#court.tell(() => `${process.pid} begins ${this.label} in attempt ${attempt}`);
    // RoadRunner's packages go on with what is in their pipe after they have asked to be ended.
    const crossed = this.#holder?.pid !== process.pid || process.hasAskedToStop;
    const earlier = this.executions.filter(({ takenBack }) => !takenBack).at(-1);
    this.executions.push({ at: performance.now(), process, attempt, takenBack: crossed });
    if (this.executions.length === 1) return;
    if (this.wish.post) this.#court.accuse(`${this.label} is executed twice`);
    if (attempt > 2) this.#court.accuse(`${this.label} is in its attempt ${attempt}`);
    if (crossed || earlier === undefined || attempt > earlier.attempt) return;
    // The same attempt again: right only if the pool could not know of the beginning.
    const { endedBy, broken, misbehaved } = earlier.process;
    if (endedBy === 'pool' || broken || misbehaved) return;
    const what = `is executed again in attempt ${attempt} though ${earlier.process.pid} had begun it`;
    this.#court.accuse(`${this.label} ${what}`);
  }

  override encode(codec: HeadCodec): Payload {
    this.handouts++;
    this.queuedSince = undefined;
    if (!this.open) this.#court.accuse(`${this.label} is given to a worker after its end`);
    const head = Buffer.from(JSON.stringify({ id: this.id, attempt: this.attempt }));
    return { flags: codec === 'native' ? FLAG.MSGPACK : FLAG.JSON, head, body: Buffer.from('body') };
  }

  override onReply(head: Buffer, _body: Buffer, _flags: number, last: boolean): boolean {
    this.#expectOpen('a part of a reply');
    if (head.toString() === 'bad') throw new RrtsError('ERR_PROTOCOL_HEAD', 'a head that makes no sense');
    if (head.length > 0) this.#expectOwn(head);
    else if (this.parts === 0) this.#court.accuse(`${this.label} gets a reply without a head`);
    this.parts++;
    if (last || this.wish.slowClientMs === 0) return true;
    this.#court.resumeLater(this, this.wish.slowClientMs);
    return false;
  }

  override onDone(): void {
    this.#expectOpen('its end');
    if (this.parts === 0) this.#court.accuse(`${this.label} is done without a reply`);
    this.done = true;
    this.#court.tell(() => `${this.label} is done`);
  }

  override onFailure(error: RrtsError): void {
    this.#expectOpen(`the failure ${error.code}`);
    if (!this.#mayFail(error.code))
      this.#court.accuse(`${this.label} fails without a reason: ${error.code} ${error.message}`);
    this.error = error;
    this.#court.tell(() => `${this.label} fails: ${error.code} ${error.message}`);
  }

  /** Whether something has happened that this is the right answer to. */
  #mayFail(code: ErrorCode): boolean {
    const script: Script = SCRIPTS[this.wish.script];
    const has = (...acts: Act[]): boolean => [...script.first, ...script.later].some(({ act }) => acts.includes(act));
    const held = (is: (process: SimProcess) => boolean): boolean => [...this.#holders].some(is);
    switch (code) {
      case 'ERR_POOL_QUEUE_FULL':
      case 'ERR_POOL_STOPPED':
        return true;
      case 'ERR_POOL_QUEUE_TIMEOUT':
      case 'ERR_POOL_CRASH_LOOP':
        return performance.now() - this.#submittedAt - this.#ran >= this.#court.shortestWait;
      case 'ERR_WORKER_DIED':
        return held(isFaulty);
      case 'ERR_WORKER_CUT':
        return this.parts > 0;
      case 'ERR_WORKER_EXEC_TTL':
        // Last words are waited for, and the time for the request goes on meanwhile.
        return held(({ wasFrozen }) => wasFrozen) || held(isFaulty) || isLong(script.first) || isLong(script.later);
      case 'ERR_WORKER_MALFORMED_REPLY':
        return has('garbage', 'bad-head', 'reply-without-option', 'stray-begin', 'stray-control');
      case 'ERR_WORKER_ERROR':
        return has('error');
      default:
        return this.#court.startsProcessPerRequest; // then it learns of the failed boot
    }
  }

  #expectOpen(what: string): void {
    if (this.open) return;
    const end = this.cancelled ? 'was cancelled' : (this.error?.code ?? 'is done');
    this.#court.accuse(`${this.label} ${end} and gets ${what}`);
  }

  #expectOwn(head: Buffer): void {
    const { id } = JSON.parse(head.toString()) as { id: number };
    if (id !== this.id) this.#court.accuse(`${this.label} gets the reply to ${id}`);
  }

  #hold(worker: Worker | undefined): void {
    const before = this.#holder;
    this.#holder = worker;
    this.#court.tell(() =>
      worker === undefined ? `${before?.pid} loses ${this.label}` : `${worker.pid} gets ${this.label}`,
    );
    if (worker !== undefined) this.#holders.add(this.#court.processOf(worker.pid));
    if (before === undefined || worker !== undefined) return;
    const process = this.#court.processOf(before.pid);
    const last = this.executions.at(-1);
    if (last?.process !== process) return;
    if (process.alive) last.takenBack = true;
    else this.#ran += performance.now() - last.at;
  }
}

/** True for a script that hangs, or takes so long that exec_ttl may pass. */
function isLong(steps: readonly Step[]): boolean {
  // On the pipe of an SDK worker garbage is text, after which the answer is missing.
  const ends = steps.some(({ act }) => !['part', 'ping-part', 'half-reply', 'garbage'].includes(act));
  return !ends || steps.reduce((sum, { after }) => sum + after, 0) > 10;
}

/** True for a process that ended, or can answer no more, and not because the pool wanted it. */
function isFaulty({ endedBy, wasDeaf }: SimProcess): boolean {
  return endedBy === 'self' || endedBy === 'outside' || wasDeaf;
}

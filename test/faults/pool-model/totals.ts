// What all sequences together did, so that a green run proves work.

import type { ModelRequest } from './model-request.ts';
import type { SimProcess } from './sim-process.ts';

/** Sums over sequences. */
export class Totals {
  sequences = 0;
  steps = 0;
  requests = 0;
  done = 0;
  failed = 0;
  cancelled = 0;
  commands = 0;
  processes = 0;
  crashes = 0;
  kills = 0;
  replays = 0;
  handedBack = 0;
  twice = 0;
  posts = 0;
  readonly errors = new Map<string, number>();

  /** One step was taken. */
  count(type: string): void {
    if (type !== 'nothing') this.steps++;
  }

  /** A sequence has ended. */
  note(requests: readonly ModelRequest[], processes: readonly SimProcess[]): void {
    this.sequences++;
    this.processes += processes.length;
    for (const { endedBy, endedWell } of processes) {
      if (endedBy === 'self' && !endedWell) this.crashes++;
      if (endedBy === 'outside') this.kills++;
    }
    for (const request of requests) this.#noteRequest(request);
  }

  #noteRequest({ done, error, cancelled, attempt, executions, handouts, wish }: ModelRequest): void {
    this.requests++;
    if (wish.post) this.posts++;
    if (done) this.done++;
    if (cancelled) this.cancelled++;
    if (attempt === 2) this.replays++;
    if (handouts > attempt) this.handedBack++;
    if (executions.length > 1) this.twice++;
    if (error === undefined) return;
    this.failed++;
    this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
  }
}

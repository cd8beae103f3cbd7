// What is kept in memory of a job that waits: where it is in the log, and its place in line. Its payload stays on the disk.

import type { Job } from '../job.ts';
import type { Segment } from './segment.ts';

/**
 * `pushing`: on its way to the disk. `waiting`: ready, or delayed. `reserved`: handed over. `gone`: acknowledged, refused, or lost. Only what is
 * waiting or reserved is in the queue.
 */
export type EntryState = 'pushing' | 'waiting' | 'reserved' | 'gone';

/** One job of the log. A class, so that a hundred thousand of them have one shape. */
export class Entry {
  /** Its name in the log; never used twice. */
  readonly sequence: number;
  readonly priority: number;
  readonly unique: string | undefined;
  /** Its place in line within its priority: the sequence, or a later one when it came back. */
  order: number;
  /** When it may be handed over, in milliseconds since 1970; 0 for at once. */
  runAt: number;
  state: EntryState = 'pushing';
  /** Where its newest record is that is known to be on the disk. */
  segment: Segment | undefined = undefined;
  offset = 0;
  /** Bytes of the whole record. */
  length = 0;
  /** The job itself, while it need not, or cannot yet, be read from the disk. */
  job: Job | undefined = undefined;

  constructor(fields: Pick<Entry, 'sequence' | 'order' | 'runAt' | 'priority' | 'unique'>) {
    this.sequence = fields.sequence;
    this.priority = fields.priority;
    this.unique = fields.unique;
    this.order = fields.order;
    this.runAt = fields.runAt;
  }

  /** Takes note of a new record, which is on the disk, and frees the old one. */
  moveTo(segment: Segment, offset: number, length: number): void {
    this.leave();
    this.segment = segment;
    this.offset = offset;
    this.length = length;
    segment.live.add(this);
    segment.liveBytes += length;
  }

  /** It needs no record any more. */
  leave(): void {
    if (this.segment?.live.delete(this) === true) this.segment.liveBytes -= this.length;
    this.segment = undefined;
  }
}

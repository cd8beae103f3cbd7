// A client of RoadRunner's packages in a simulated process: pid handshake on the pipes, one request after the other.

import { encodeControl, encodeFrame } from '../../../src/protocol/encode.ts';
import { FLAG, type Frame, STREAM } from '../../../src/protocol/frame.ts';
import { type Answers, Application } from './application.ts';
import type { Client, SimProcess } from './sim-process.ts';

/** One SDK client. What comes while it runs a request stays in the pipe, but for streams: then it looks for the order to end. */
export class SdkClient implements Client, Answers {
  readonly #process: SimProcess;
  readonly #application: Application;
  readonly #pipe: Frame[] = [];
  #booted = false;
  #waits = true;
  #closed = false;

  constructor(process: SimProcess) {
    this.#process = process;
    this.#application = new Application(process, this);
  }

  hello(): void {
    this.#booted = true;
    this.wake();
  }

  arrived(frame: Frame): void {
    this.#pipe.push(frame);
  }

  closed(): void {
    this.#closed = true;
    this.wake();
  }

  wake(): void {
    if (this.#booted && this.#waits && !this.#process.frozen) this.#next();
  }

  reply(head: Buffer): void {
    this.#process.send(encodeFrame(0, 0, [head.length], head));
    this.#next();
  }

  error(text: string): void {
    this.#process.send(encodeFrame(FLAG.ERROR, 0, [], Buffer.from(text)));
    this.#next();
  }

  stopWish(): void {
    this.reply(Buffer.from('{"stop":true}'));
  }

  part(head: Buffer, bits: number): boolean {
    const kept: Frame[] = [];
    let abandoned = false;
    for (const frame of this.#pipe.splice(0)) {
      if ((frame.stream & STREAM.STOP) !== 0) abandoned = true;
      else if (!this.#process.boot.loses || (frame.flags & FLAG.CONTROL) !== 0) kept.push(frame);
    }
    this.#pipe.push(...kept);
    if (!abandoned) this.#process.send(encodeFrame(0, STREAM.MORE | bits, [head.length], head));
    return !abandoned;
  }

  end(): void {
    this.#process.send(encodeFrame(0, 0, [0], Buffer.alloc(0)));
    this.#next();
  }

  #next(): void {
    for (;;) {
      this.#waits = false;
      if (!this.#process.alive) return;
      const frame = this.#pipe.shift();
      if (frame === undefined) {
        this.#waits = true;
        if (this.#closed) this.#process.exit(0);
        return;
      }
      if ((frame.flags & FLAG.CONTROL) !== 0) {
        if (this.#obey(JSON.parse(frame.payload.toString()))) return;
      } else if (frame.options.length > 0) {
        this.#application.handle(frame.payload.subarray(0, frame.options[0]));
        return;
      }
    }
  }

  /** True when it ends. */
  #obey(message: { pid?: number; stop?: boolean }): boolean {
    const { pid, boot } = this.#process;
    if (message.pid !== undefined) this.#process.send(encodeControl(boot.fate === 'version' ? { pid: 'x' } : { pid }));
    if (message.stop !== true || boot.stubborn) return false;
    this.#process.exit(0);
    return true;
  }
}

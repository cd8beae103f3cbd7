// The native client in a simulated process: frame by frame what php-client/src/Worker.php, Inbox.php and ResponseStream.php do.

import { encodeControl, encodeFrame } from '../../../src/protocol/encode.ts';
import { FLAG, type Frame, STREAM } from '../../../src/protocol/frame.ts';
import { type Answers, Application } from './application.ts';
import type { Client, SimProcess } from './sim-process.ts';

/** See Inbox::SLOW_NANOSECONDS. */
const SLOW_MS = 5;

/** One native client. */
export class NativeClient implements Client, Answers {
  readonly #process: SimProcess;
  readonly #prefetches: boolean;
  readonly #application: Application;
  /** What is in the socket, and what has been read and not been looked at. */
  readonly #pipe: Frame[] = [];
  readonly #buffered: Frame[] = [];
  #waits: 'welcome' | 'request' | undefined;
  #requests: Frame[] = [];
  #announced = false;
  #ended = false;
  #closed = false;
  #abandoned = false;
  #refusing = false;
  #handedOutAt = 0;

  constructor(process: SimProcess, prefetches: boolean) {
    this.#process = process;
    this.#prefetches = prefetches;
    this.#application = new Application(process, this);
  }

  hello(): void {
    const features = this.#prefetches ? ['stream', 'early-hints', 'prefetch'] : ['stream', 'early-hints'];
    const hello = this.#process.boot.fate === 'version' ? 99 : 1;
    this.#process.send(encodeControl({ hello, pid: this.#process.pid, php: '8.4.0', codecs: ['msgpack'], features }));
    this.#waits = 'welcome';
  }

  arrived(frame: Frame): void {
    this.#pipe.push(frame);
  }

  closed(): void {
    this.#closed = true;
    if (!this.#process.frozen) this.wake();
  }

  wake(): void {
    if (this.#waits === 'welcome') {
      if (this.#receive() === undefined) return;
      this.#waits = undefined;
      this.#nextRequest();
    } else if (this.#waits === 'request') {
      this.#nextRequest();
    }
  }

  reply(head: Buffer): void {
    this.#process.send(encodeFrame(FLAG.MSGPACK, this.#beginNext(), [head.length], Buffer.concat([head, BODY])));
    this.#nextRequest();
  }

  error(text: string): void {
    this.#process.send(encodeFrame(FLAG.ERROR, this.#beginNext(), [], Buffer.from(text)));
    this.#nextRequest();
  }

  stopWish(): void {
    this.#refusing = true;
    this.#requests = [];
    const head = Buffer.from('{"stop":true}');
    this.#process.send(encodeFrame(0, 0, [head.length], head));
    this.#nextRequest();
  }

  part(head: Buffer, bits: number): boolean {
    this.#handedOutAt = 0;
    while (!this.#abandoned && this.#sortOne()) {}
    if (this.#abandoned) return false;
    this.#process.send(encodeFrame(FLAG.MSGPACK, STREAM.MORE | bits, [head.length], Buffer.concat([head, BODY])));
    return true;
  }

  end(): void {
    this.#process.send(encodeFrame(FLAG.MSGPACK, 0, [0], Buffer.alloc(0)));
    this.#nextRequest();
  }

  /** Inbox::nextRequest */
  #nextRequest(): void {
    this.#waits = undefined;
    if (!this.#process.alive) return;
    if (performance.now() - this.#handedOutAt > SLOW_MS) {
      while (!this.#ended && this.#sortOne()) {}
    }
    while (this.#requests.length === 0 && !this.#ended) {
      const frame = this.#receive();
      if (frame !== undefined) {
        this.#sort(frame);
      } else if (this.#closed) {
        this.#ended = true;
      } else {
        this.#waits = 'request';
        return;
      }
    }
    this.#handOut();
  }

  /** Inbox::handOut */
  #handOut(): void {
    const frame = this.#requests.shift();
    if (frame === undefined) {
      this.#process.exit(0);
      return;
    }
    if ((frame.stream & STREAM.BEGIN) !== 0 && !this.#announced) {
      this.#process.send(encodeFrame(0, STREAM.BEGIN, [], Buffer.alloc(0)));
    }
    this.#announced = false;
    this.#abandoned = false;
    this.#handedOutAt = performance.now();
    this.#application.handle(frame.payload.subarray(0, frame.options[0]));
  }

  /** Inbox::beginNext */
  #beginNext(): number {
    while (this.#requests.length === 0) {
      const frame = this.#buffered.shift();
      if (frame === undefined) break;
      this.#sort(frame);
    }
    const next = this.#requests[0];
    if (next === undefined || this.#announced || (next.stream & STREAM.BEGIN) === 0) return 0;
    if (performance.now() - this.#handedOutAt > SLOW_MS) return 0;
    this.#announced = true;
    return STREAM.BEGIN;
  }

  /** FrameChannel::receive, as far as it does not wait; undefined when it would. One read takes all that is there. */
  #receive(): Frame | undefined {
    if (this.#buffered.length === 0) this.#buffered.push(...this.#pipe.splice(0));
    return this.#buffered.shift();
  }

  /** FrameChannel::poll, and what is done with it; false when nothing is there. */
  #sortOne(): boolean {
    const frame = this.#receive();
    if (frame !== undefined) this.#sort(frame);
    return frame !== undefined;
  }

  /** Inbox::sort */
  #sort(frame: Frame): void {
    if ((frame.flags & FLAG.CONTROL) !== 0) this.#obey(JSON.parse(frame.payload.toString()));
    else if ((frame.stream & STREAM.STOP) !== 0) this.#abandoned = true;
    else if (!this.#refusing && (frame.options.length > 0 || frame.stream === 0)) this.#requests.push(frame);
  }

  /** Inbox::obey */
  #obey(message: { stop?: boolean; revoke?: boolean }): void {
    if (message.stop === true && !this.#process.boot.stubborn) this.#ended = true;
    if (message.revoke !== true) return;
    const kept = this.#requests.filter(
      (frame, i) => (i === 0 && this.#announced) || (frame.stream & STREAM.BEGIN) === 0,
    );
    const dropped = this.#requests.length - kept.length;
    this.#requests = kept;
    if (dropped > 0) this.#process.send(encodeControl({ dropped }));
  }
}

const BODY = Buffer.from('body');

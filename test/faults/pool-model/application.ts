// The application in a simulated process: takes the steps of a request's script.

import { encodeControl, encodeFrame } from '../../../src/protocol/encode.ts';
import { FLAG, STREAM } from '../../../src/protocol/frame.ts';
import type { Act, Step } from './script.ts';
import type { SimProcess } from './sim-process.ts';

/** How a client answers the request in hand. All but `part` end it, and the client goes on with the next one. */
export interface Answers {
  reply(head: Buffer): void;
  error(text: string): void;
  stopWish(): void;
  /** False when the client of the stream has gone. */
  part(head: Buffer, bits: number): boolean;
  end(): void;
}

/** What no client may do. RoadRunner's packages go on after they asked to be ended, and answer what was taken back. */
const BREACHES: readonly Act[] = [
  'garbage',
  'bad-head',
  'reply-without-option',
  'half-reply',
  'stray-begin',
  'stray-control',
  'stop-wish',
];

/** One application. */
export class Application {
  readonly #process: SimProcess;
  readonly #answers: Answers;

  constructor(process: SimProcess, answers: Answers) {
    this.#process = process;
    this.#answers = answers;
  }

  /** Takes up a request, by the head that ModelRequest wrote. */
  handle(bytes: Buffer): void {
    const { id, attempt } = JSON.parse(bytes.toString()) as { id: number; attempt: number };
    const steps = this.#process.host.taken(this.#process, id, attempt);
    this.#take(steps, 0, Buffer.from(JSON.stringify({ id })));
  }

  #take(steps: readonly Step[], index: number, head: Buffer): void {
    const step = steps[index];
    if (step === undefined) return;
    const go = (): void => {
      if (this.#act(step, head)) this.#take(steps, index + 1, head);
    };
    if (step.after === 0) go();
    else this.#process.after(step.after, go);
  }

  /** True when the script goes on. After a whole answer it does only for what the process does by itself. */
  #act({ act }: Step, head: Buffer): boolean {
    const process = this.#process;
    const send = (flags: number, options: readonly number[], payload: Buffer, stream = 0): void =>
      process.send(encodeFrame(flags, stream, options, payload));
    if (BREACHES.includes(act)) process.misbehaved = true;
    switch (act) {
      case 'reply':
        this.#answers.reply(head);
        return true;
      case 'error':
        this.#answers.error('it failed');
        return false;
      case 'stop-wish':
        process.hasAskedToStop = true;
        this.#answers.stopWish();
        return false;
      case 'part':
      case 'ping-part': {
        const goesOn = this.#answers.part(head, act === 'part' ? 0 : STREAM.PING);
        if (!goesOn) this.#answers.end();
        return goesOn;
      }
      case 'end':
        this.#answers.end();
        return false;
      case 'die':
        process.exit(255);
        return false;
      case 'segfault':
        process.exit(null, 'SIGSEGV');
        return false;
      case 'garbage':
        process.send(Buffer.alloc(40, 0xf7));
        return false;
      case 'bad-head':
        this.#answers.reply(Buffer.from('bad'));
        return false;
      case 'reply-without-option':
        send(FLAG.MSGPACK, [], head);
        return false;
      case 'half-reply':
        process.send(encodeFrame(FLAG.MSGPACK, 0, [head.length], head).subarray(0, 20));
        return true;
      case 'stray-begin':
        send(0, [], Buffer.alloc(0), STREAM.BEGIN);
        return true;
      case 'stray-control':
        process.send(encodeControl({ dropped: 3 }));
        return true;
      case 'close-channel':
        process.closeChannel();
        return false;
    }
  }
}

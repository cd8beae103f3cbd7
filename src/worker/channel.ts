// Frames over a pair of sockets. Knows nothing of processes; tests give it two ends of a pipe.

import type { Socket } from 'node:net';
import { isRrtsError, RrtsError } from '../core/errors.ts';
import { FrameDecoder } from '../protocol/decode.ts';
import { FLAG, type Frame } from '../protocol/frame.ts';

/** Header words of a reply, which has one option; an RPC call has more. */
const REPLY_WORDS = 4;

/** Who hears what comes in. */
export interface ChannelOwner {
  /** A whole frame. What it throws as an RrtsError counts as a fault of the peer. */
  onFrame(channel: Channel, frame: Frame): void;
  /** The peer broke the protocol. Comes once; the channel reads no more. */
  onFault(channel: Channel, error: RrtsError): void;
  /** The peer closed its end and all it sent was handed out. */
  onEnd(channel: Channel): void;
}

/** One frame channel to a worker: stdin and stdout, descriptor 3, or an accepted socket. */
export class Channel {
  readonly #input: Socket;
  readonly #output: Socket;
  readonly #decoder: FrameDecoder;
  /** Who hears what comes in; a socket relay hands its channel on to the worker it belongs to. */
  owner: ChannelOwner;
  #broken = false;
  #paused = false;
  #soon: Buffer[] = [];
  /** Whom to tell when the peer has taken what waits. */
  #untaken: (() => void)[] = [];
  /** True when the peer's end of input was seen. */
  ended = false;

  /** @param onText - see FrameDecoder: given for the stdout of a worker, where text may stand between frames. */
  constructor(input: Socket, output: Socket, owner: ChannelOwner, onText?: (text: Buffer) => void) {
    this.#input = input;
    this.#output = output;
    this.owner = owner;
    this.#decoder = new FrameDecoder(undefined, onText);
    const onFrame = (frame: Frame): void => this.owner.onFrame(this, frame);
    input.on('data', (chunk: Buffer) => this.#read(chunk, onFrame));
    input.once('close', () => this.#finish());
    input.once('end', () => this.#finish());
  }

  /** While a frame is handed out: true when another one came right behind it that is neither a control frame nor an RPC call. */
  get hasMore(): boolean {
    const { nextFlags, nextWords } = this.#decoder;
    return nextFlags !== undefined && (nextFlags & FLAG.CONTROL) === 0 && nextWords <= REPLY_WORDS;
  }

  /**
   * Like {@link write}, but at the end of this turn of the event loop, together with all else that comes until then: one
   * system call and one wake-up of the worker for many frames.
   */
  writeSoon(first: Buffer, second?: Buffer): void {
    if (this.#soon.length === 0) setImmediate(this.#flush);
    this.#soon.push(first);
    if (second !== undefined) this.#soon.push(second);
  }

  /** Sends bytes that hold whole frames. To a peer that is gone they are dropped; the death of its process is what counts. */
  write(first: Buffer, second?: Buffer): void {
    if (this.#soon.length > 0) this.#flush(); // frames stay in order
    if (second === undefined) {
      this.#output.write(first);
      return;
    }
    this.#output.cork();
    this.#output.write(first);
    this.#output.write(second);
    this.#output.uncork();
  }

  /** Sends an RPC reply; `sent` is called when the peer takes more: at once, or when it has read what waits; never when it is gone. */
  writeReply(frame: Buffer, sent: () => void): void {
    if (this.#soon.length > 0) this.#flush();
    if (this.#output.write(frame)) {
      sent();
      return;
    }
    // One listener for all: hundreds of replies may wait for a worker that makes further calls before it reads.
    if (this.#untaken.length === 0) this.#output.once('drain', this.#taken);
    this.#untaken.push(sent);
  }

  /** Stops reading: the client takes no more now. Frames of the chunk that is being decoded still come. */
  pause(): void {
    this.#paused = true;
    this.#input.pause();
  }

  /** Reads again, if it was paused. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#input.resume();
  }

  /** Closes both ends. */
  close(): void {
    this.#broken = true;
    this.#input.destroy();
    this.#output.destroy();
  }

  readonly #taken = (): void => {
    const untaken = this.#untaken;
    this.#untaken = [];
    for (const sent of untaken) sent();
  };

  readonly #flush = (): void => {
    const frames = this.#soon;
    if (frames.length === 0) return;
    this.#soon = [];
    this.#output.write(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames));
  };

  #read(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    if (this.#broken) return;
    try {
      this.#decoder.push(chunk, onFrame);
    } catch (error) {
      if (!isRrtsError(error)) throw error;
      this.#break(error);
    }
  }

  #finish(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.#decoder.pendingBytes > 0 && !this.#broken) {
      this.#break(new RrtsError('ERR_PROTOCOL_FRAME', 'the input ended inside a frame'));
    }
    this.owner.onEnd(this);
  }

  #break(error: RrtsError): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#input.resume(); // what still comes is read and dropped, so that the peer does not block on a full pipe
    this.owner.onFault(this, error);
  }
}

// The socket relay: listens, and matches each connection to a worker by the pid it says.

import { lchownSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { RrtsError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { listenPrivately } from '../core/unix-socket.ts';
import { encodePidRequest, parseControl } from '../protocol/control.ts';
import { FLAG, type Frame } from '../protocol/frame.ts';
import { Channel, type ChannelOwner } from './channel.ts';
import type { Identity } from './identity.ts';
import type { Worker } from './worker.ts';

/** A connection that has not said its pid is closed after this time. */
const INTRODUCTION_MS = 10_000;

/** Listens on `unix://path` or `tcp://host:port` for the workers of one pool, or of several: workers are told apart by their pids. */
export class RelayListener implements ChannelOwner {
  readonly #address: string;
  readonly #logger: Logger;
  readonly #identity: Identity | undefined;
  readonly #server: Server;
  /** Who listens through it; the last that closes ends it. */
  readonly #users = new Set<object>();
  #listening: Promise<void> | undefined;
  readonly #expected = new Map<number, Worker>();
  /** Connections that were accepted and have not said who they are, with their deadlines. */
  readonly #strangers = new Map<Channel, NodeJS.Timeout>();
  /** Introductions whose process is not known yet: its connection can be faster than our `spawn` event. */
  readonly #early = new Map<number, { channel: Channel; frame: Frame }>();

  /** @param identity - whom the workers run as, when that is not us: a socket file must be theirs. */
  constructor(address: string, logger: Logger, identity?: Identity) {
    this.#address = address;
    this.#identity = identity;
    this.#logger = logger;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens for the workers of `user`; several may share one listener. @throws RrtsError ERR_LISTEN. */
  listen(user: object): Promise<void> {
    this.#users.add(user);
    this.#listening ??= this.#listen();
    return this.#listening;
  }

  async #listen(): Promise<void> {
    const path = this.#address.startsWith('unix://') ? this.#address.slice('unix://'.length) : undefined;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const message = `cannot listen on ${this.#address}: ${cause.message}`;
        reject(new RrtsError('ERR_LISTEN', message, { cause, place: 'server.relay' }));
      });
      this.#server.once('listening', resolve);
      // Whoever may connect may pose as a worker.
      if (path !== undefined) listenPrivately(this.#server, path).catch(reject);
      else this.#server.listen(...hostAndPort(this.#address));
    });
    if (path !== undefined && this.#identity !== undefined) lchownSync(path, this.#identity.uid, this.#identity.gid);
  }

  /** Waits for the connection of this worker. */
  expect(worker: Worker): void {
    const early = this.#early.get(worker.pid);
    this.#early.delete(worker.pid);
    if (early === undefined) this.#expected.set(worker.pid, worker);
    else worker.adopt(early.channel, early.frame);
  }

  /** A worker is gone. */
  forget(worker: Worker): void {
    this.#expected.delete(worker.pid);
  }

  /** `user` needs it no more. When nobody does, it ends; settles then. */
  async close(user: object): Promise<void> {
    this.#users.delete(user);
    if (this.#users.size > 0) return;
    for (const [channel, timer] of this.#strangers) {
      clearTimeout(timer);
      channel.close();
    }
    this.#strangers.clear();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  onFrame(channel: Channel, frame: Frame): void {
    clearTimeout(this.#strangers.get(channel));
    this.#strangers.delete(channel);
    if ((frame.flags & FLAG.CONTROL) === 0)
      throw new RrtsError('ERR_PROTOCOL_SEQUENCE', 'a frame before the handshake');
    const message = parseControl(frame.payload);
    const pid = message.kind === 'pid' ? message.pid : message.hello.pid;
    const worker = this.#expected.get(pid);
    this.#expected.delete(pid);
    if (worker === undefined) this.#early.set(pid, { channel, frame });
    else worker.adopt(channel, frame);
  }

  onFault(channel: Channel, error: RrtsError): void {
    this.#logger.warn({ error: error.message }, 'a connection to the relay did not introduce itself as a worker');
    channel.close();
  }

  onEnd(channel: Channel): void {
    clearTimeout(this.#strangers.get(channel));
    this.#strangers.delete(channel);
    for (const [pid, early] of this.#early) if (early.channel === channel) this.#early.delete(pid);
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    const channel = new Channel(socket, socket, this);
    this.#strangers.set(
      channel,
      setTimeout(() => {
        this.#strangers.delete(channel);
        channel.close();
      }, INTRODUCTION_MS),
    );
    channel.write(encodePidRequest(process.pid));
  }
}

function hostAndPort(address: string): [port: number, host: string] {
  const url = new URL(address);
  return [Number(url.port), url.hostname.replace(/^\[|\]$/g, '')];
}

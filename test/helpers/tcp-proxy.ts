// A TCP proxy in front of a real server: it cuts connections, refuses them, holds their bytes back, and counts who comes.

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './free-port.ts';

/** Decides over bytes on their way to the server: false holds them back and cuts their connection. */
export type Gate = (bytes: Buffer) => boolean;

/** The proxy of a test. */
export interface TcpProxy {
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** When each connection came, by `performance.now()`; also those that were refused. */
  readonly arrivals: readonly number[];
  /** Ends all connections with a reset; new ones are let through. */
  cut(): void;
  /** From now on new connections are reset at once; `cut` goes with it. */
  refuse(): void;
  /** From now on no byte passes, in either direction, and no connection is ended: a network that swallows everything. */
  hold(): void;
  /** From now on nobody listens there; `cut` goes with it. */
  leave(): Promise<void>;
  /** Ends `leave`. */
  listen(): Promise<void>;
  /** Ends `refuse` and `hold`; what was held is passed on. */
  heal(): void;
  /** From now on new connections lead to another port of the loopback. */
  lead(target: number): void;
  /** Asks `gate` for each chunk to the server; undefined lets all through. What a gate refuses never arrives. */
  watch(gate: Gate | undefined): void;
  /** Asks `gate` for each chunk of the server's answers, in the same way. */
  watchAnswers(gate: Gate | undefined): void;
  /** Ends everything. */
  close(): Promise<void>;
}

/** Starts one in front of a port of the loopback. The owner calls `close`, usually in `t.after`. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const port = await freePort();
  const proxy = new Relay(port, target);
  await proxy.listen();
  return proxy;
}

class Relay implements TcpProxy {
  readonly port: number;
  readonly arrivals: number[] = [];
  #target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #refusing = false;
  #holding = false;
  #gate: Gate | undefined;
  #answerGate: Gate | undefined;

  constructor(port: number, target: number) {
    this.port = port;
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  cut(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  hold(): void {
    this.#holding = true;
    for (const socket of this.#sockets) socket.pause();
  }

  heal(): void {
    this.#refusing = false;
    this.#holding = false;
    for (const socket of this.#sockets) socket.resume();
  }

  lead(target: number): void {
    this.#target = target;
  }

  watch(gate: Gate | undefined): void {
    this.#gate = gate;
  }

  watchAnswers(gate: Gate | undefined): void {
    this.#answerGate = gate;
  }

  async leave(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  close(): Promise<void> {
    return this.leave();
  }

  #accept(client: Socket): void {
    this.arrivals.push(performance.now());
    if (this.#refusing) {
      client.on('error', () => {});
      reset(client);
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    this.#join(client, server, () => this.#gate);
    this.#join(server, client, () => this.#answerGate);
  }

  #join(from: Socket, to: Socket, gate: () => Gate | undefined): void {
    this.#sockets.add(from);
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.on('end', () => to.end());
    from.on('data', (bytes: Buffer) => {
      if (gate()?.(bytes) === false) {
        reset(from);
        reset(to);
        return;
      }
      to.write(bytes);
    });
    if (this.#holding) from.pause();
  }
}

/** A socket that has said goodbye cannot be reset any more: Node 20 would then never get rid of it, and not exit. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** Most of the times within one second of each other. */
export function mostPerSecond(times: readonly number[]): number {
  let most = 0;
  times.forEach((begin, first) => {
    most = Math.max(most, times.slice(first).filter((time) => time < begin + 1000).length);
  });
  return most;
}

// A thousand clients and more in one process: raw sockets, so that the clients cost less than the server they load.

import { connect, type Socket } from 'node:net';
import { eventually } from '../../helpers/wait-for.ts';

/** One answer to a client of a crowd. */
export interface CrowdAnswer {
  readonly status: number;
  /** Head and body, one byte per character. */
  readonly text: string;
  /** From the request to the last byte. */
  readonly ms: number;
  /** Since the crowd was let loose. */
  readonly at: number;
  /** False when it is not the answer to the request of this client. */
  readonly own: boolean;
}

/** What a crowd does. */
export interface CrowdOptions {
  readonly port: number;
  readonly clients: number;
  readonly path: string;
  /** Each client asks again as soon as it has its answer, until then. */
  readonly ms: number;
  /** And for as long as this says so. */
  readonly more?: () => boolean;
  readonly onAnswer: (answer: CrowdAnswer) => void;
}

/** What a crowd did, beside its answers. */
export interface CrowdResult {
  readonly requests: number;
  /** Connections that ended before they should. */
  readonly broken: number;
  readonly ms: number;
}

/** Connects so many clients at once as the system lets wait for being accepted. */
const CONNECT_AT_ONCE = 500;
const HEAD_END = '\r\n\r\n';

/** Opens connections, some hundred at a time. Those that break later are the caller's to count. */
export async function connectMany(port: number, count: number, onSocket: (socket: Socket) => void): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(CONNECT_AT_ONCE, count - sockets.length) }, () =>
      connect(port, '127.0.0.1'),
    );
    for (const socket of some) onSocket(socket.on('error', () => socket.destroy()));
    sockets.push(...some);
    await eventually(() => some.every((socket) => !socket.connecting), `${sockets.length} connections`, 60_000);
  }
  return sockets;
}

/** Lets a crowd loose once all its clients are connected. Settles when each has its last answer. */
export async function runCrowd({ port, clients, path, ms, more, onAnswer }: CrowdOptions): Promise<CrowdResult> {
  let [requests, broken, open] = [0, 0, clients];
  let begin = 0;
  const everybody: (() => void)[] = [];
  await connectMany(port, clients, (socket) => {
    let [received, id, sentAt] = ['', '', 0];
    const ask = () => {
      id = `c${requests++}`;
      sentAt = performance.now();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: h\r\nX-Id: ${id}\r\n\r\n`);
    };
    everybody.push(ask);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (!isWhole(received)) return;
      const [text, now] = [received, performance.now()];
      const status = Number(text.slice(9, 12));
      const own = status !== 200 || text.includes(`${HEAD_END}${id} `);
      onAnswer({ status, text, ms: now - sentAt, at: now - begin, own });
      [received, id] = ['', ''];
      if (now - begin < ms || more?.() === true) ask();
      else socket.end();
    });
    socket.on('close', () => {
      open--;
      if (id !== '') broken++;
    });
  });
  begin = performance.now();
  for (const ask of everybody) ask();
  await eventually(() => open === 0, 'the last answer of everybody', ms + 120_000);
  return { requests, broken, ms: performance.now() - begin };
}

function isWhole(text: string): boolean {
  const end = text.indexOf(HEAD_END);
  if (end === -1) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1];
  return length !== undefined && text.length >= end + HEAD_END.length + Number(length);
}

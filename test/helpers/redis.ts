// Starts a real redis-server for a test, on a free port of the loopback, without files as a rule, and ends it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort } from './free-port.ts';
import { exists } from './paths.ts';
import { eventually, within } from './wait-for.ts';

/** The guard ends the server when the test process is killed and cannot do it any more. */
const GUARD = exists('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : [];

/** What a test wants of its redis-server. */
export interface RedisWish {
  /** Default: a free one. */
  readonly port?: number;
  /** `requirepass`; default: none. */
  readonly password?: string;
  /** A directory of the test's: each write is in a file before it is answered, and a restart after a kill brings all back. Default: no files. */
  readonly directory?: string;
  /** Further words of the command line: `--maxmemory 10mb`. */
  readonly words?: readonly string[];
}

/** A redis-server of a test. */
export interface RedisServer {
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly pid: number;
  /** Sends one command in its inline form, such as `PING`, and gives the first line of the answer. */
  command(line: string): Promise<string>;
  /** Stops or continues the process: a server that is there and does not answer. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Kills it and waits until it is gone. Once it is gone, does nothing. */
  stop(): Promise<void>;
  /** Ends it if need be and starts one on the same port; it is empty, unless it has a directory. */
  restart(): Promise<void>;
}

/** Starts one and waits until it answers. The owner calls `stop`, usually in `t.after`. */
export async function startRedis(wish: RedisWish = {}): Promise<RedisServer> {
  const port = wish.port ?? (await freePort());
  let child = await launch(port, wish);
  const server: RedisServer = {
    port,
    address: `127.0.0.1:${port}`,
    get pid() {
      return child.pid ?? 0;
    },
    command: (line) => send(port, line),
    signal: (signal) => void child.kill(signal),
    stop: () => end(child),
    restart: async () => {
      await end(child);
      child = await launch(port, wish);
    },
  };
  return server;
}

async function launch(port: number, wish: RedisWish): Promise<ChildProcess> {
  const files =
    wish.directory === undefined
      ? ['--appendonly', 'no', '--dir', '/tmp']
      : ['--appendonly', 'yes', '--appendfsync', 'no', '--dir', wish.directory];
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', ...files, ...(wish.words ?? [])];
  if (wish.password !== undefined) words.push('--requirepass', wish.password);
  const [program = '', ...args] = [...GUARD, 'redis-server', ...words];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (output += String(bytes)));
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error) => reject(new Error(`redis-server cannot be started: ${error.message}`)));
    child.once('exit', () => reject(new Error(`redis-server ended at its start:\n${output}`)));
  });
  failed.catch(() => {});
  const answers = eventually(() => send(port, 'PING').catch(() => undefined), 'an answer of redis-server', 20_000);
  try {
    await Promise.race([answers, failed]);
  } catch (error) {
    answers.catch(() => {});
    await end(child);
    throw error;
  }
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await within(gone, 20_000, 'the end of redis-server');
}

/** An answer of any kind will do: one that wants a password answers as well. */
async function send(port: number, line: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    socket.write(`${line}\r\n`);
    const [bytes] = await within(once(socket, 'data'), 2000, `an answer to ${line}`);
    return String(bytes).split('\r\n')[0] ?? '';
  } finally {
    socket.destroy();
  }
}

// Starts a real RabbitMQ for a test, on free ports of the loopback, with its files in a folder of its own, and ends it.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Certificates } from './certificates.ts';
import { freePort } from './free-port.ts';
import { exists } from './paths.ts';
import { makeTempDir } from './temp-dir.ts';
import { eventually, within } from './wait-for.ts';

/** Debian's /usr/sbin/rabbitmq-server changes the user and the folder; the script behind it does neither. */
const PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';
/** The guard ends the server when the test process is killed and cannot do it any more. */
const GUARD = exists('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : [];
/** Few threads that do not spin while they wait: the tests share a small machine. */
const ERLANG_FLAGS = '+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none +A 4 -kernel inet_dist_use_interface {127,0,0,1}';
/** Alone it takes 3 to 5 s, beside twenty busy processes more than a minute. */
const START_MS = 110_000;
const HEADER = Buffer.from('AMQP\0\0\u0009\u0001', 'latin1');

/** A RabbitMQ of a test. */
export interface RabbitMq {
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** `amqp://guest:guest@127.0.0.1:port/`. */
  readonly url: string;
  /** `amqps://guest:guest@127.0.0.1:port/`, where it was started with certificates. */
  readonly safeUrl: string;
  readonly pid: number;
  /** Stops or continues the process: a server that is there and does not answer. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Runs rabbitmqctl, such as `set_vm_memory_high_watermark 0.4`, and gives what it prints; takes seconds. */
  control(...words: string[]): Promise<string>;
  /** Kills it with -9 and waits until it is gone; its files stay. Once it is gone, does nothing. */
  stop(): Promise<void>;
  /** Kills it if need be and starts it on the same port with the same files; takes seconds. */
  restart(): Promise<void>;
  /** Kills it and removes its files. */
  close(): Promise<void>;
}

/** Starts one and waits until it answers; takes 4 s and more, so a file of tests shares one. The owner calls `close`, usually in `after`. */
export async function startRabbitMq(certificates?: Certificates): Promise<RabbitMq> {
  const dir = makeTempDir('rabbitmq');
  const [amqp, amqps, distribution, names] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const ports = { amqp, amqps, distribution, names };
  const env = prepare(dir.path, ports, certificates);
  let node: Node | undefined;
  const end = async (): Promise<void> => {
    await node?.end();
    node = undefined;
  };
  const begin = async (): Promise<void> => {
    await end();
    node = await launch(env, ports);
  };
  const close = async (): Promise<void> => {
    await end();
    dir.remove();
  };
  await begin().catch(async (error) => {
    await close();
    throw error;
  });
  return {
    port: ports.amqp,
    address: `127.0.0.1:${ports.amqp}`,
    url: `amqp://guest:guest@127.0.0.1:${ports.amqp}/`,
    safeUrl: `amqps://guest:guest@127.0.0.1:${ports.amqps}/`,
    get pid() {
      return node?.server.pid ?? 0;
    },
    signal: (signal) => void node?.server.kill(signal),
    control: async (...words) => {
      const node = env['RABBITMQ_NODENAME'] ?? '';
      const { stdout } = await promisify(execFile)(CONTROL, ['-q', '-n', node, ...words], { env, timeout: START_MS });
      return stdout;
    },
    stop: end,
    restart: begin,
    close,
  };
}

interface Ports {
  readonly amqp: number;
  readonly amqps: number;
  readonly distribution: number;
  readonly names: number;
}

interface Node {
  readonly server: ChildProcess;
  end(): Promise<void>;
}

function prepare(dir: string, ports: Ports, certificates: Certificates | undefined): NodeJS.ProcessEnv {
  const { cert, key } = certificates ?? {};
  const safe = `{ssl_listeners, [{"127.0.0.1", ${ports.amqps}}]},
    {ssl_options, [{certfile, "${cert}"}, {keyfile, "${key}"}, {verify, verify_none}]},`;
  // Erlang's own terms: the newer format is translated at each start, which takes seconds.
  const terms = `[{rabbit, [
    {tcp_listeners, [{"127.0.0.1", ${ports.amqp}}]},
    ${certificates === undefined ? '' : safe}
    {log, [{file, [{file, false}]}, {console, [{enabled, true}, {level, warning}]}]},
    {disk_free_limit, 1000000}
  ]}].\n`;
  writeFileSync(join(dir, 'rabbitmq.config'), terms);
  writeFileSync(join(dir, 'enabled_plugins'), '[].\n');
  writeFileSync(join(dir, 'rabbitmq-env.conf'), '');
  return {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    HOME: dir,
    ERL_EPMD_PORT: String(ports.names),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `rrts${ports.amqp}@localhost`,
    RABBITMQ_USE_LONGNAME: 'false',
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_MNESIA_BASE: join(dir, 'data'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.config'),
    RABBITMQ_CONF_ENV_FILE: join(dir, 'rabbitmq-env.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: ERLANG_FLAGS,
    // The script then becomes the server, so that the process that is started is the one to end.
    RABBITMQ_ALLOW_INPUT: '1',
  };
}

/** The server would start a name service (epmd) of its own, which outlives it; one that is there already is used. */
async function launch(env: NodeJS.ProcessEnv, ports: Ports): Promise<Node> {
  let output = '';
  const start = (...words: string[]): ChildProcess => {
    const [program = '', ...args] = [...GUARD, ...words];
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (output += String(bytes)));
    return child;
  };
  const names = start('epmd', '-port', String(ports.names), '-address', '127.0.0.1');
  const ended = [once(names, 'close')];
  names.on('error', () => {});
  await eventually(() => speaks(ports.names), 'the name service of Erlang');
  const server = start(PROGRAM, '-noinput');
  ended.push(once(server, 'close'));
  const node: Node = {
    server,
    end: async () => {
      for (const child of [server, names]) child.kill('SIGKILL');
      await within(Promise.allSettled(ended), 10_000, 'the end of RabbitMQ');
    },
  };
  const failed = new Promise<never>((_, reject) => {
    server.once('error', (error) => reject(new Error(`RabbitMQ cannot be started: ${error.message}`)));
    server.once('exit', () => reject(new Error(`RabbitMQ ended at its start:\n${output}`)));
  });
  failed.catch(() => {});
  const answers = eventually(() => speaks(ports.amqp, HEADER), 'an answer of RabbitMQ', START_MS);
  answers.catch(() => {});
  try {
    await Promise.race([answers, failed]);
  } catch (error) {
    await node.end();
    throw error;
  }
  return node;
}

/** Whether somebody listens there, and answers to `hello` if there is one. */
async function speaks(port: number, hello?: Buffer): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await within(once(socket, 'connect'), 2000, 'a connection');
    if (hello === undefined) return true;
    socket.write(hello);
    await within(once(socket, 'data'), 2000, 'an answer');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

// Starts the real command line as a child process, with a configuration of its own, and ends it without a trace.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { freePort } from './free-port.ts';
import { LogLines, type LogRecord } from './log-lines.ts';
import { cliCommand, exists, ROOT } from './paths.ts';
import { killMarked, MARK, type ProcessEntry, phpProcesses, processesMarked } from './processes.ts';
import { makeTempDir, type TempDir } from './temp-dir.ts';
import { eventually, within } from './wait-for.ts';

/** Ends the server when the test process is killed and cannot do it any more. */
const GUARD = exists('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : [];

/** A part of the configuration, as YAML would say it. */
export interface ConfigTree {
  readonly [key: string]: unknown;
}

/** What a test wants of its server. */
export interface ServerWish {
  /** Merged over the defaults of {@link baseConfig}; `null` removes a key. */
  readonly config?: ConfigTree;
  /** The worker's command. */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Starts it: `prlimit --nofile=64` ... */
  readonly launcher?: readonly string[];
  /** Default: `serve`. */
  readonly subcommand?: string;
  /** Further words for the command line. */
  readonly args?: readonly string[];
  /** Working directory, also as PWD, as a shell would have it. Default: the root of the repository. */
  readonly cwd?: string;
}

/** How a server that is gone ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server process, ready or not. */
export class ServerProcess {
  readonly logs = new LogLines();
  readonly ended: Promise<Ending>;
  ending: Ending | undefined;

  readonly child: ChildProcess;
  readonly mark: string;
  readonly port: number;
  readonly statusPort: number;
  readonly dir: TempDir;

  constructor(child: ChildProcess, mark: string, ports: readonly [number, number], dir: TempDir) {
    this.child = child;
    this.mark = mark;
    [this.port, this.statusPort] = ports;
    this.dir = dir;
    child.stdout?.on('data', (bytes) => this.logs.push(bytes, 'stdout'));
    child.stderr?.on('data', (bytes) => this.logs.push(bytes, 'stderr'));
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.ending = { code, signal };
      this.logs.end();
      return this.ending;
    });
  }

  get pid(): number {
    assert.ok(this.child.pid !== undefined, 'the server has a pid');
    return this.child.pid;
  }

  /** Where it serves. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Its PHP workers that live now. */
  workers(): ProcessEntry[] {
    return phpProcesses(this.mark);
  }

  /** The first log line that satisfies the test, one that came before included. */
  waitForLog(test: (record: LogRecord) => boolean, what: string, ms = 20_000): Promise<LogRecord> {
    return within(this.logs.first(test), ms, () => `a log line ${what} in\n${this.logs.tail()}\n`);
  }

  /** Waits for its end and asserts that nothing it started is left. */
  async waitForEnd(ms = 30_000): Promise<Ending> {
    const ending = await within(this.ended, ms, () => `the end of the server; its log was\n${this.logs.tail()}\n`);
    await eventually(() => processesMarked(this.mark).length === 0, `no process left of the server`, 20_000).catch(
      (error) => {
        const left = processesMarked(this.mark).map((entry) => `${entry.pid} ${entry.command}`);
        throw new assert.AssertionError({ message: `${String(error)}; left: ${left.join('; ')}\n${this.logs.tail()}` });
      },
    );
    return ending;
  }

  /** SIGTERM, exit code 0, no process left, no stack trace of the server in its log. */
  async stop(ms = 30_000): Promise<void> {
    if (this.ending === undefined) this.child.kill('SIGTERM');
    const ending = await this.waitForEnd(ms);
    this.dir.remove();
    assert.deepEqual(ending, { code: 0, signal: null }, `exit code 0 after SIGTERM\n${this.logs.tail()}`);
    assert.doesNotMatch(this.logs.text(), /\n\s+at .*\.(js|ts):\d+/, 'no stack trace of the server');
  }

  /** Ends it whatever its state, for `after` hooks of tests that end it themselves. */
  async discard(): Promise<void> {
    this.child.kill('SIGKILL');
    killMarked(this.mark);
    await this.ended;
    this.dir.remove();
  }
}

/** The configuration every test server starts from. */
export function baseConfig(port: number, statusPort: number, command: readonly string[]): ConfigTree {
  return {
    version: '3',
    server: { command: [...command] },
    http: { address: `127.0.0.1:${port}`, pool: { num_workers: 2, allocate_timeout: '60s' } },
    status: { address: `127.0.0.1:${statusPort}` },
    logs: { level: 'debug', encoding: 'json' },
  };
}

/** Starts a server without waiting for anything. */
export async function spawnServer(wish: ServerWish = {}): Promise<ServerProcess> {
  const [port, statusPort] = [await freePort(), await freePort()];
  const config = mergeConfig(baseConfig(port, statusPort, wish.command ?? []), wish.config ?? {});
  return spawnWithYaml(stringify(config), wish, [port, statusPort]);
}

/** Starts a server with a configuration file of exactly this text. */
export function spawnWithYaml(
  yaml: string,
  wish: ServerWish = {},
  ports: readonly [number, number] = [0, 0],
): ServerProcess {
  const dir = makeTempDir('server');
  writeFileSync(dir.file('app.yaml'), yaml);
  const mark = randomUUID();
  const cwd = wish.cwd ?? ROOT;
  const [program = '', ...words] = [...GUARD, ...(wish.launcher ?? []), ...cliCommand()];
  const child = spawn(
    program,
    [...words, wish.subcommand ?? 'serve', '-c', dir.file('app.yaml'), ...(wish.args ?? [])],
    {
      cwd,
      // Tests run as root on many machines; a test of the refusal takes this out.
      env: {
        ...inheritedEnvironment(),
        PWD: cwd,
        RRTS_ALLOW_ROOT: '1',
        ...runtimeDirectory(dir),
        ...wish.environment,
        [MARK]: mark,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  return new ServerProcess(child, mark, ports, dir);
}

/** Starts a server and waits until it says it is ready. */
export async function startServer(wish: ServerWish): Promise<ServerProcess> {
  const server = await spawnServer(wish);
  try {
    await waitUntilReady(server);
  } catch (error) {
    await server.discard();
    throw error;
  }
  return server;
}

/** Waits for `/ready`; fails at once when the server ends instead. */
export async function waitUntilReady(server: ServerProcess, ms = 60_000): Promise<void> {
  await eventually(
    async () => {
      const { ending } = server;
      assert.equal(ending, undefined, `the server ended before it was ready\n${server.logs.tail()}`);
      return (await statusOf(server, '/ready')) === 200;
    },
    'a ready server',
    ms,
  ).catch((error: unknown) => {
    throw new assert.AssertionError({ message: `${String(error)}\n${server.logs.tail()}` });
  });
}

/** The status code of a page of the status plugin; undefined when it does not listen. */
export async function statusOf(server: ServerProcess, page: string): Promise<number | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${server.statusPort}${page}`, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}

/** Where the server has its control socket: commands need the same, and what a killed server leaves goes with its folder. */
export function runtimeDirectory(dir: TempDir): Record<string, string> {
  return { RUNTIME_DIRECTORY: dir.file('run') };
}

/** What the person who runs the tests has set for the test runner would change the server's behaviour. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, NODE_ENV: _environment, ...rest } = process.env;
  return rest;
}

/** Merges trees; lists and scalars replace, null removes. */
export function mergeConfig(base: ConfigTree, over: ConfigTree): ConfigTree {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete result[key];
    else result[key] = isTree(value) && isTree(result[key]) ? mergeConfig(result[key], value) : value;
  }
  return result;
}

function isTree(value: unknown): value is ConfigTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

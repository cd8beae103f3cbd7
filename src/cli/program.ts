// The command line: commands, options and help texts.

import { basename } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { messageOf, RrtsError } from '../core/errors.ts';
import { logicalDirectory } from '../server/working-directory.ts';
import { ROADRUNNER_VERSION, VERSION } from '../version.ts';
import type { CronOptions } from './commands/cron.ts';
import type { JobsOptions } from './commands/jobs.ts';
import type { PackOptions } from './commands/lambda-pack.ts';
import type { ServeOptions } from './commands/serve.ts';
import type { StubsOptions } from './commands/stubs.ts';
import type { WorkersOptions } from './commands/workers.ts';
import { EXIT } from './exit-codes.ts';
import {
  CONFIG_HELP,
  CRON_HELP,
  JOBS_HELP,
  LAMBDA_HELP,
  PACK_HELP,
  PROGRAM_HELP,
  RELOAD_HELP,
  RESET_HELP,
  SERVE_HELP,
  STOP_HELP,
  STUBS_HELP,
  WORKERS_HELP,
} from './help.ts';
import { addGlobalOptions, type GlobalOptions } from './options.ts';
import { takePidFile } from './pid-file.ts';

/**
 * Parses `argv` (without node and script), runs the command and settles with the exit code.
 * @param invokedAs - path by which this program was called; as `rr` it presents itself as RoadRunner does.
 */
export async function run(argv: readonly string[], invokedAs: string): Promise<number> {
  const name = basename(invokedAs) === 'rr' ? 'rr' : 'rrts';
  let exitCode: number = EXIT.ok;
  const program = buildProgram(name, async (action) => {
    exitCode = await action();
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    // Commander has printed its message already.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw thrown;
  }
}

// Commands are loaded when they are asked for: what a server needs takes half a second of processor time to load.
const commands = {
  config: () => import('./commands/config.ts'),
  cron: () => import('./commands/cron.ts'),
  jobs: () => import('./commands/jobs.ts'),
  lambda: () => import('./commands/lambda.ts'),
  lambdaPack: () => import('./commands/lambda-pack.ts'),
  reload: () => import('./commands/reload.ts'),
  reset: () => import('./commands/reset.ts'),
  serve: () => import('./commands/serve.ts'),
  stop: () => import('./commands/stop.ts'),
  stubs: () => import('./commands/stubs.ts'),
  workers: () => import('./commands/workers.ts'),
};

type RunAction = (action: () => Promise<number> | number) => Promise<void>;

function buildProgram(name: 'rr' | 'rrts', runAction: RunAction): Command {
  const program = new Command(name)
    .description('PHP application server: keeps PHP workers in memory and serves HTTP from them.')
    .version(versionText(name), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError(`(${name} --help explains)`);
  addGlobalOptions(program);
  const globals = (): GlobalOptions => {
    const options = program.opts<Omit<GlobalOptions, 'directory'>>();
    return { ...options, directory: enterDirectory(options.workDir ?? options.WorkDir) };
  };
  program
    .command('serve')
    .description('start the server and run until a signal stops it')
    .option('--watch [globs...]', 'replace the workers when a file changes; for development')
    .addHelpText('after', SERVE_HELP)
    .action((own: ServeOptions) => runAction(() => serveWithPidFile(globals(), own)));
  addConfigCommands(program, (action) => runAction(() => action(globals())));
  addWorkersCommands(program, (action) => runAction(() => action(globals())));
  addJobsCommand(program, (action) => runAction(() => action(globals())));
  addCronCommands(program, (action) => runAction(() => action(globals())));
  addServerCommands(program, (action) => runAction(() => action(globals())));
  addStubsCommand(program, (action) => runAction(() => action(globals())));
  addLambdaCommands(program, (action) => runAction(() => action(globals())));
  program.addHelpText('after', PROGRAM_HELP);
  return program;
}

/** The pid file comes first of all: a second server is refused before it has loaded, read or touched anything. */
async function serveWithPidFile(options: GlobalOptions, own: ServeOptions): Promise<number> {
  const removePidFile = takePidFile(options.pid);
  try {
    return await (await commands.serve()).serve(options, own);
  } finally {
    removePidFile();
  }
}

type GlobalAction = (options: GlobalOptions) => Promise<number> | number;
type RunGlobalAction = (action: GlobalAction) => Promise<void>;

function addConfigCommands(program: Command, runAction: RunGlobalAction): void {
  const config = program
    .command('config')
    .description('look at the configuration without starting anything')
    .addHelpText('after', CONFIG_HELP);
  config
    .command('check')
    .description('tell every mistake in the configuration with its place')
    .action(() => runAction(async (options) => (await commands.config()).checkConfig(options)));
  config
    .command('print')
    .description('print the configuration with variables, overrides and defaults in; secrets are not shown')
    .action(() => runAction(async (options) => (await commands.config()).printConfig(options)));
  config
    .command('schema')
    .description('print the JSON Schema of the configuration')
    .action(() => runAction(async () => (await commands.config()).printSchema()));
}

function addWorkersCommands(program: Command, runAction: RunGlobalAction): void {
  const workers = program
    .command('workers')
    .description('show the workers of the running server')
    .argument('[pools...]', 'only these pools')
    .option('-i, --interactive', 'draw again every second, until q or Ctrl-C')
    .option('--json', 'print all that is known, for programs')
    .addHelpText('after', WORKERS_HELP)
    .action((pools: string[], own: WorkersOptions) =>
      runAction(async (options) => (await commands.workers()).showWorkers(options, pools, own)),
    );
  const number = ['-n, --number <count>', 'how many', positive, 1] as const;
  workers
    .command('add')
    .description('add workers to a pool, until the server is restarted')
    .argument('[pool]', 'needed when there are several')
    .option(...number)
    .action((pool: string | undefined, own: { number: number }) =>
      runAction(async (options) => (await commands.workers()).addWorkers(options, pool, own.number)),
    );
  workers
    .command('remove')
    .description('take workers away from a pool; the last one stays')
    .argument('[pool]', 'needed when there are several')
    .option(...number)
    .action((pool: string | undefined, own: { number: number }) =>
      runAction(async (options) => (await commands.workers()).removeWorkers(options, pool, own.number)),
    );
}

function addJobsCommand(program: Command, runAction: RunGlobalAction): void {
  program
    .command('jobs')
    .description('show the queues of the running server and the jobs that run, or change them')
    .argument('[pipelines...]', 'only these pipelines')
    .option('-i, --interactive', 'draw again every second, until q or Ctrl-C')
    .option('--json', 'print all that is known, for programs')
    .option('--list', 'print the names of the pipelines')
    .option('--pause', 'run no more jobs of the named pipelines; they still take pushes')
    .option('--resume', 'run their jobs')
    .option('--destroy', 'remove them with all their jobs')
    .option('--retry', 'take the dead letters in them back to where they failed')
    .option('--limit <count>', 'for --retry: how many at most (1000)', positive)
    .option('--push', 'push one job to the named pipeline: --name, --payload, --delay')
    .option('--name <job>', 'for --push: the name of the job')
    .option('--payload <text>', 'for --push: its payload; - reads stdin')
    .option('--delay <duration>', 'for --push: when it may run, such as 5s')
    .addHelpText('after', JOBS_HELP)
    .action((names: string[], own: JobsOptions, command: Command) => {
      const refuse = (message: string): never => command.error(`error: ${message}`);
      return runAction(async (options) => (await commands.jobs()).jobs(options, names, own, refuse));
    });
}

function addCronCommands(program: Command, runAction: RunGlobalAction): void {
  const cron = program
    .command('cron')
    .description('show what the running server does at which times')
    .option('--json', 'print all that is known, for programs')
    .addHelpText('after', CRON_HELP)
    .action((own: CronOptions) => runAction(async (options) => (await commands.cron()).showCron(options, own)));
  cron
    .command('run')
    .description('run an entry now, and wait for its end')
    .argument('<name>', 'of the entry')
    .action((name: string) => runAction(async (options) => (await commands.cron()).runEntry(options, name)));
}

function addServerCommands(program: Command, runAction: RunGlobalAction): void {
  program
    .command('reset')
    .description('replace the workers of the running server, without a pause')
    .argument('[pools...]', 'only these pools')
    .addHelpText('after', RESET_HELP)
    .action((pools: string[]) => runAction(async (options) => (await commands.reset()).resetWorkers(options, pools)));
  program
    .command('reload')
    .description('let the running server read its configuration again, without a pause')
    .addHelpText('after', RELOAD_HELP)
    .action(() => runAction(async (options) => (await commands.reload()).reloadServer(options)));
  program
    .command('stop')
    .description('stop the running server and wait for its end')
    .addHelpText('after', STOP_HELP)
    .action(() => runAction(async (options) => (await commands.stop()).stopServer(options)));
}

function addStubsCommand(program: Command, runAction: RunGlobalAction): void {
  program
    .command('stubs')
    .description('write a PHP class for each typed service of the bridge')
    .option('--out <dir>', 'folder of the classes', 'src/Node')
    .option('--namespace <name>', 'their namespace', 'App\\Node')
    .option('--check', 'write nothing; end with 1 when a class is missing or stale')
    .addHelpText('after', STUBS_HELP)
    .action((own: StubsOptions) => runAction(async (options) => (await commands.stubs()).writeStubs(options, own)));
}

function addLambdaCommands(program: Command, runAction: RunGlobalAction): void {
  const lambda = program
    .command('lambda')
    .description('run events of AWS Lambda: the bootstrap of a custom runtime')
    .addHelpText('after', LAMBDA_HELP)
    .action(() => runAction(async (options) => (await commands.lambda()).lambda(options)));
  const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];
  lambda
    .command('pack')
    .description('write the zip of a function: bootstrap, rrts and the application in the working directory')
    .argument('[zip]', 'its path', 'function.zip')
    .option('--node <file>', 'put this Node into it; without, Node comes from a layer or the runtime')
    .option('--exclude <pattern>', 'leave these files out too; may be given many times', collect)
    .option('--include <pattern>', 'take these files although a pattern leaves them out', collect)
    .option('--no-bundle', 'pack the files of rrts as they are, although esbuild is there to make one of them')
    .addHelpText('after', PACK_HELP)
    .action((zip: string, own: PackOptions) =>
      runAction(async (options) => (await commands.lambdaPack()).packFunction(options, zip, own)),
    );
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

/** Laravel Octane looks for `rr version` and compares the number with RoadRunner's. */
function versionText(name: 'rr' | 'rrts'): string {
  return name === 'rr'
    ? `rr version ${ROADRUNNER_VERSION} (rrts ${VERSION}, node ${process.version})`
    : `rrts version ${VERSION} (node ${process.version})`;
}

/** Changes to the directory of -w. @returns the working directory with its symbolic links. */
function enterDirectory(wanted: string | undefined): string {
  const directory = logicalDirectory(process.env['PWD'], wanted);
  if (wanted === undefined) return directory;
  try {
    process.chdir(wanted);
  } catch (thrown) {
    throw new RrtsError('ERR_CONFIG_NOT_FOUND', `-w ${wanted}: cannot change to it: ${messageOf(thrown)}`);
  }
  return directory;
}

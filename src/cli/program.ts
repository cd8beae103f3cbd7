// The command line: commands, options and help texts.

import { basename } from 'node:path';
import { Command, CommanderError } from 'commander';
import { messageOf, RrtsError } from '../core/errors.ts';
import { ROADRUNNER_VERSION, VERSION } from '../version.ts';
import { checkConfig, printConfig, printSchema } from './commands/config.ts';
import { serve } from './commands/serve.ts';
import { EXIT } from './exit-codes.ts';
import { CONFIG_HELP, PROGRAM_HELP, SERVE_HELP } from './help.ts';
import { addGlobalOptions, type GlobalOptions } from './options.ts';

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
    const options = program.opts<GlobalOptions>();
    changeDirectory(options.workDir ?? options.WorkDir);
    return options;
  };
  program
    .command('serve')
    .description('start the server and run until a signal stops it')
    .addHelpText('after', SERVE_HELP)
    .action(() => runAction(() => serve(globals())));
  addConfigCommands(program, (action) => runAction(() => action(globals())));
  program.addHelpText('after', PROGRAM_HELP);
  return program;
}

type ConfigAction = (options: GlobalOptions) => number;

function addConfigCommands(program: Command, runAction: (action: ConfigAction) => Promise<void>): void {
  const config = program
    .command('config')
    .description('look at the configuration without starting anything')
    .addHelpText('after', CONFIG_HELP);
  config
    .command('check')
    .description('tell every mistake in the configuration with its place')
    .action(() => runAction(checkConfig));
  config
    .command('print')
    .description('print the configuration with variables, overrides and defaults in; secrets are not shown')
    .action(() => runAction(printConfig));
  config
    .command('schema')
    .description('print the JSON Schema of the configuration')
    .action(() => runAction(printSchema));
}

/** Laravel Octane looks for `rr version` and compares the number with RoadRunner's. */
function versionText(name: 'rr' | 'rrts'): string {
  return name === 'rr'
    ? `rr version ${ROADRUNNER_VERSION} (rrts ${VERSION}, node ${process.version})`
    : `rrts version ${VERSION} (node ${process.version})`;
}

function changeDirectory(directory: string | undefined): void {
  if (directory === undefined) return;
  try {
    process.chdir(directory);
  } catch (thrown) {
    throw new RrtsError('ERR_CONFIG_NOT_FOUND', `-w ${directory}: cannot change to it: ${messageOf(thrown)}`);
  }
}

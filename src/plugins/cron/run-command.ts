// Runs a program: started as services are, its output in the log, ended with its whole process group.

import { formatDuration } from '../../core/scalars.ts';
import { howItEnded } from '../../worker/failures.ts';
import { type Launchers, spawnProgram } from '../../worker/spawn.ts';
import type { ProgramSettings } from '../plugin.ts';
import { programOptions } from '../program/program-options.ts';
import { ProgramRun, type RunEnd } from '../program/program-run.ts';
import { type Action, DONE, failed, type Outcome, occurrenceFacts } from './run.ts';

/** Between SIGINT, which asks it to end, and SIGKILL. */
const STOP_MS = 5000;

/** What programs are started with. */
export interface ProgramHost {
  readonly launchers: Launchers;
  readonly directory: string;
  /** Asked at each start: a reload may have changed them. */
  readonly settings: () => ProgramSettings;
}

/** An action that runs a program. It finds the name of the entry in RRTS_CRON and the time of the occurrence in RRTS_CRON_TIME. */
export function commandAction(
  command: string | readonly string[],
  { launchers, directory, settings }: ProgramHost,
): Action {
  return async (context) => {
    const { name, timeoutMs, logger, stopping, cut } = context;
    const [RRTS_CRON, RRTS_CRON_TIME] = occurrenceFacts(context);
    const env = { RRTS_CRON, RRTS_CRON_TIME };
    const options = programOptions({ command, directory, settings: settings(), env, key: `cron.${name}` });
    let ending: string | undefined;
    const onTooLong = (): void => {
      ending = `it ran longer than its timeout (${formatDuration(timeoutMs)})`;
    };
    const run = new ProgramRun(await spawnProgram(options, launchers), logger, {
      timeoutMs,
      stopMs: STOP_MS,
      onTooLong,
    });
    const end = (): void => {
      ending ??= 'the server stopped';
      run.end(STOP_MS);
    };
    const kill = (): void => run.kill();
    stopping.addEventListener('abort', end);
    cut.addEventListener('abort', kill);
    // Either may have come while the program was being started.
    if (stopping.aborted) end();
    if (cut.aborted) kill();
    const ended = await run.ended;
    stopping.removeEventListener('abort', end);
    cut.removeEventListener('abort', kill);
    return outcomeOf(ended, ending);
  };
}

function outcomeOf({ code, signal, tail }: RunEnd, ending: string | undefined): Outcome {
  if (code === 0 && ending === undefined) return DONE;
  const said = tail.length === 0 ? '' : `; it printed last: ${tail.join(' | ')}`;
  const why = ending === undefined ? '' : `${ending}: `;
  return failed(`${why}it ended ${howItEnded(code, signal)}${said}`);
}

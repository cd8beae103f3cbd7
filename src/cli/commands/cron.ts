// rrts cron: shows what is due when, and runs an entry now.

import { RrtsError } from '../../core/errors.ts';
import type { EntryReport, RunReport } from '../../plugins/cron/entry.ts';
import { callSection } from '../client/call-section.ts';
import { reachServer } from '../client/reach-server.ts';
import { QUICK_MS, refuseWhenStopping } from '../client/server-report.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { renderCron } from '../view/cron-table.ts';
import { formatSpan } from '../view/format.ts';

/** A run ends by the timeout of its entry. This is as long as a timer can be set. */
const RUN_MS = 2 ** 31 - 1;

/** Options of `rrts cron`. */
export interface CronOptions {
  readonly json?: boolean;
}

/** Prints all entries. */
export async function showCron(options: GlobalOptions, { json = false }: CronOptions): Promise<number> {
  const server = await reachServer(options);
  try {
    const entries = await callSection<EntryReport[]>(server, {
      method: 'cron.List',
      argument: null,
      timeoutMs: QUICK_MS,
    });
    console.log(json ? JSON.stringify(entries, null, 2) : renderCron(entries, Date.now()));
    return EXIT.ok;
  } finally {
    server.client.close();
  }
}

/** Runs an entry now and waits for its end. A Ctrl-C ends the wait and not the run. */
export async function runEntry(options: GlobalOptions, name: string): Promise<number> {
  const server = await reachServer(options);
  try {
    await refuseWhenStopping(server);
    const { result, message, seconds } = await callSection<RunReport>(server, {
      method: 'cron.Run',
      argument: { name },
      timeoutMs: RUN_MS,
    });
    if (result !== 'done') throw new RrtsError('ERR_CONTROL_CALL', `cron ${name} ${result}: ${message}`);
    if (options.silent !== true) console.log(`${name}: done in ${formatSpan(seconds * 1000)}`);
    return EXIT.ok;
  } finally {
    server.client.close();
  }
}

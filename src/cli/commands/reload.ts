// rrts reload: the running server reads its configuration again and replaces its workers, without a pause.

import type { ReloadReport } from '../../server/reload.ts';
import { reachServer } from '../client/reach-server.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { formatSpan } from '../view/format.ts';

/** Longest wait. A worker that does not boot ends a reload much earlier. */
const RELOAD_MS = 10 * 60_000;

/** Asks for it over the control socket, and tells what came of it. */
export async function reloadServer(options: GlobalOptions): Promise<number> {
  const { client } = await reachServer(options, true);
  try {
    const began = performance.now();
    const { applied, restart } = await client.call<ReloadReport>('control.Reload', null, RELOAD_MS);
    if (options.silent === true) return EXIT.ok;
    console.log(`reloaded, and all workers are new, in ${formatSpan(performance.now() - began)}`);
    console.log(applied.length === 0 ? 'no key changed' : `changed: ${applied.join(', ')}`);
    if (restart.length > 0) console.log(`not in force before a restart: ${restart.join(', ')}`);
    return EXIT.ok;
  } finally {
    client.close();
  }
}

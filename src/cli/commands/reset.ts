// rrts reset: new workers for old ones, without a pause.

import { messageOf, RrtsError } from '../../core/errors.ts';
import { reachServer } from '../client/reach-server.ts';
import { noSuchPool, QUICK_MS, refuseWhenStopping } from '../client/server-report.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { formatSpan } from '../view/format.ts';

/** Longest wait for one pool. A worker that does not boot ends a reset much earlier. */
const RESET_MS = 10 * 60_000;

/** Replaces the workers of all pools, or of the named ones (`http` with all of its pools, `http.reports` alone), one after the other. A pool that fails keeps its old ones. */
export async function resetWorkers(options: GlobalOptions, pools: readonly string[]): Promise<number> {
  const server = await reachServer(options);
  const { client } = server;
  try {
    await refuseWhenStopping(server);
    const names = await client.call<string[]>('informer.List', true, QUICK_MS);
    const unknown = pools.find((name) => !names.includes(name));
    if (unknown !== undefined) throw noSuchPool(unknown, names);
    // http is all its pools there, http.reports one of them.
    const wanted = pools.length === 0 ? await client.call<string[]>('resetter.List', true, QUICK_MS) : pools;
    const failed: string[] = [];
    for (const name of wanted) {
      const began = performance.now();
      const fault = await client.call('resetter.Reset', name, RESET_MS).then(() => undefined, messageOf);
      if (fault !== undefined) failed.push(`${name}: ${fault}`);
      else if (options.silent !== true) {
        console.log(`${name}: the workers were replaced in ${formatSpan(performance.now() - began)}`);
      }
    }
    if (failed.length > 0) throw notReset(failed);
    if (wanted.length === 0 && options.silent !== true) console.log('the server has no workers yet');
    return EXIT.ok;
  } finally {
    client.close();
  }
}

function notReset(failed: readonly string[]): RrtsError {
  return new RrtsError('ERR_CONTROL_CALL', `the old workers stay: ${failed.join('\n')}`, {
    cure: 'Mend the code and reset again. The log of the server has more.',
  });
}

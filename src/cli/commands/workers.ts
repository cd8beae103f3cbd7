// rrts workers: shows them, adds some, takes some away.

import { RrtsError } from '../../core/errors.ts';
import { type ReachedServer, reachServer } from '../client/reach-server.ts';
import { askReport, noSuchPool, QUICK_MS, refuseWhenStopping } from '../client/server-report.ts';
import { EXIT } from '../exit-codes.ts';
import type { GlobalOptions } from '../options.ts';
import { count } from '../view/format.ts';
import { watch } from '../view/live-view.ts';
import { renderServer } from '../view/workers-table.ts';

/** Longest wait for a worker that is added; boots have limits of their own, which end earlier. */
const ADD_MS = 10 * 60_000;
/** Where stdout is no terminal and does not tell. */
const DEFAULT_COLUMNS = 120;

/** Options of `rrts workers`. */
export interface WorkersOptions {
  readonly interactive?: boolean;
  readonly json?: boolean;
}

/** Prints the workers of all pools, or of the named ones; with `interactive` again every second. */
export async function showWorkers(
  options: GlobalOptions,
  pools: readonly string[],
  { interactive = false, json = false }: WorkersOptions,
): Promise<number> {
  const server = await reachServer(options);
  try {
    const ask = () => askReport(server, pools);
    const screen = { columns: process.stdout.columns ?? DEFAULT_COLUMNS, rows: undefined };
    if (json) console.log(JSON.stringify(await ask(), null, 2));
    else if (!interactive) console.log(renderServer(await ask(), screen, Date.now()));
    else await watch(ask, renderServer);
    return EXIT.ok;
  } finally {
    server.client.close();
  }
}

/** Adds workers to a pool, one after the other; each is ready before the next is started. */
export function addWorkers(options: GlobalOptions, pool: string | undefined, number: number): Promise<number> {
  return changeWorkers(options, pool, async (server, name) => {
    for (let added = 0; added < number; added++) await server.client.call('informer.AddWorker', name, ADD_MS);
  });
}

/** Takes workers away from a pool; those that are busy end their requests first. The last one stays. */
export function removeWorkers(options: GlobalOptions, pool: string | undefined, number: number): Promise<number> {
  return changeWorkers(options, pool, async (server, name) => {
    for (let removed = 0; removed < number; removed++) {
      await server.client.call('informer.RemoveWorker', name, QUICK_MS);
    }
  });
}

async function changeWorkers(
  options: GlobalOptions,
  wanted: string | undefined,
  change: (server: ReachedServer, pool: string) => Promise<void>,
): Promise<number> {
  const server = await reachServer(options);
  try {
    await refuseWhenStopping(server);
    const name = await choosePool(server, wanted);
    const target = async (): Promise<number> => (await askReport(server, [name])).pools[0]?.target ?? 0;
    const before = await target();
    await change(server, name);
    console.log(`${name}: ${count(before, 'worker')} before, ${await target()} now`);
    return EXIT.ok;
  } finally {
    server.client.close();
  }
}

async function choosePool({ client }: ReachedServer, wanted: string | undefined): Promise<string> {
  const names = await client.call<string[]>('informer.List', true, QUICK_MS);
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    throw noSuchPool(wanted, names);
  }
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return only;
  const why = only === undefined ? 'the server has no pool yet' : `name a pool: ${names.join(', ')}`;
  throw new RrtsError('ERR_CONTROL_CALL', why);
}

// rrts with one of its workers.

import { join } from 'node:path';
import { Service } from '../service.ts';
import { freePort, type Workspace } from '../workspace.ts';
import type { Stack } from './stack.ts';

/** Which worker. */
export interface RrtsOptions {
  readonly config: 'native' | 'roadrunner' | 'symfony' | 'calls';
  readonly script: string;
  /** Sends requests ahead to workers of RoadRunner's packages too. */
  readonly prefetchSdk?: boolean;
  /** Default: what rrts does by default. */
  readonly prefetch?: number;
  /** Default: those of the run. */
  readonly workers?: number;
  /** Also listens for RPC, on a port of its own. */
  readonly rpc?: boolean;
}

/** Starts rrts on a port of its own. */
export async function startRrts(workspace: Workspace, options: RrtsOptions, signal: AbortSignal): Promise<Stack> {
  const port = await freePort();
  const settings = {
    'server.command': `php ${options.script}`,
    'http.address': `127.0.0.1:${port}`,
    'http.pool.num_workers': options.workers ?? workspace.workers,
    ...(options.rpc === true ? { 'rpc.listen': `127.0.0.1:${await freePort()}` } : {}),
    'http.pool.prefetch_sdk': options.prefetchSdk === true,
    ...(options.prefetch === undefined ? {} : { 'http.pool.prefetch': options.prefetch }),
  };
  const overrides = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const config = join(workspace.root, 'bench', 'config', `${options.config}.yaml`);
  const service = await Service.start(
    {
      name: `rrts with ${options.script}`,
      command: [process.execPath, workspace.cli, 'serve', '--allow-root', '-c', config, ...overrides],
      cwd: options.config === 'symfony' ? workspace.symfony : join(workspace.root, 'bench', 'app'),
      env: { BENCH_ROADRUNNER_VENDOR: workspace.roadRunnerVendor ?? '' },
      listens: port,
    },
    signal,
  );
  return { services: [service], urlOf: () => `http://127.0.0.1:${port}` };
}

/** Starts rrts with workers that call it, as many as call at once. */
export function startCalls(workspace: Workspace, signal: AbortSignal): Promise<Stack> {
  return startRrts(workspace, { config: 'calls', script: 'native-calls.php', workers: 8, rpc: true }, signal);
}

// What a configuration that was written for `rrts serve` means under `rrts lambda`.

import type { HttpConfig } from '../plugins/http/config.ts';
import { internalHttpPlugin } from '../plugins/http/plugin.ts';
import { lambdaSchema } from '../plugins/lambda/config.ts';
import { type LambdaHost, lambdaLoop, lambdaPlugin } from '../plugins/lambda/plugin.ts';
import { type AnyPluginType, BUILT_IN_PLUGINS } from './built-in-plugins.ts';
import type { RootConfig } from './config.ts';

/** Nobody can reach a probe there, nothing happens between two events, and files do not change. */
const LEFT_OUT: ReadonlySet<string> = new Set(['status', 'cron', 'reload']);

/** As much of a section with a pool as concerns us. */
interface WithPool {
  readonly pool: { readonly numWorkers: number };
  readonly pools?: Readonly<Record<string, { readonly numWorkers: number }>>;
}

/**
 * The configuration for Lambda: http listens on the internal socket, pools without num_workers have one worker, because one event runs at
 * a time, no queue is consumed, and what makes no sense there is left out.
 */
export function forLambda(config: RootConfig, socket: string): RootConfig {
  const plugins = new Map([...config.plugins].filter(([name]) => !LEFT_OUT.has(name)));
  const http = plugins.get('http') as HttpConfig | undefined;
  if (http !== undefined) plugins.set('http', { ...oneWorker(http), address: { kind: 'unix', path: socket } });
  const jobs = plugins.get('jobs') as WithPool | undefined;
  if (jobs !== undefined) plugins.set('jobs', { ...oneWorker(jobs), consume: [] });
  if (!plugins.has('lambda')) plugins.set('lambda', { ...emptySection() });
  return { ...config, plugins };
}

/** The plugins, with those that are others under Lambda. The loop is the last to start: everything it needs is ready by then. */
export function lambdaPlugins(host: LambdaHost): readonly AnyPluginType[] {
  const others = BUILT_IN_PLUGINS.filter(({ name }) => name !== lambdaPlugin.name);
  return [
    ...others.map((type) => (type.name === internalHttpPlugin.name ? internalHttpPlugin : type)),
    lambdaLoop(host),
  ] as readonly AnyPluginType[];
}

function oneWorker<Section extends WithPool>(section: Section): Section {
  const { pool, pools = {} } = section;
  const others = Object.entries(pools).map(([name, one]) => [name, atLeastOne(one)]);
  return { ...section, pool: atLeastOne(pool), pools: Object.fromEntries(others) };
}

function atLeastOne<Pool extends { readonly numWorkers: number }>(pool: Pool): Pool {
  return { ...pool, numWorkers: pool.numWorkers || 1 };
}

function emptySection(): object {
  const { jobs, streaming, partial_failures: partialFailures, warmup } = lambdaSchema.parse({});
  return { jobs, streaming, partialFailures, warmup };
}

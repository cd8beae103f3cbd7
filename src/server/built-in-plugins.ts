// The plugins that come with rrts, in the order in which they start; they stop in reverse.

import type { z } from 'zod';
import { bridgePlugin } from '../plugins/bridge/plugin.ts';
import { cronPlugin } from '../plugins/cron/plugin.ts';
import { httpPlugin } from '../plugins/http/plugin.ts';
import { jobsPlugin } from '../plugins/jobs/plugin.ts';
import { kvPlugin } from '../plugins/kv/plugin.ts';
import { lambdaPlugin } from '../plugins/lambda/plugin.ts';
import { lockPlugin } from '../plugins/lock/plugin.ts';
import { metricsPlugin } from '../plugins/metrics/plugin.ts';
import type { PluginType } from '../plugins/plugin.ts';
import { reloadPlugin } from '../plugins/reload/plugin.ts';
import { rpcPlugin } from '../plugins/rpc/plugin.ts';
import { servicePlugin } from '../plugins/service/plugin.ts';
import { statusPlugin } from '../plugins/status/plugin.ts';

/** A plugin type whose configuration type is not known here. */
export type AnyPluginType = PluginType<z.ZodType, unknown>;

/**
 * Probes and metrics come first: they answer while workers boot, and until the last of them is gone. What PHP may call comes before
 * whatever starts PHP, which may call it while it boots and until it has stopped. Schedules come after
 * all that they set going. The watch over files comes last: it manages the pools of those before it.
 */
export const BUILT_IN_PLUGINS: readonly AnyPluginType[] = [
  statusPlugin,
  metricsPlugin,
  kvPlugin,
  lockPlugin,
  bridgePlugin,
  rpcPlugin,
  jobsPlugin,
  servicePlugin,
  httpPlugin,
  lambdaPlugin,
  cronPlugin,
  reloadPlugin,
];

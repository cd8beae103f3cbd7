// What a probe answers: RoadRunner's array with one record for each plugin.

import { messageOf } from '../../core/errors.ts';
import type { Health } from '../plugin.ts';

/** The question of a probe: is the process well, does every plugin have a worker, may requests be sent. */
export type Probe = 'live' | 'health' | 'ready';

/** One record, with RoadRunner's names. */
export interface PluginReport {
  readonly plugin_name: string;
  readonly error_message: string;
  readonly status_code: number;
}

/** What {@link report} looks at. */
export interface ReportInput {
  readonly probe: Probe;
  readonly checks: ReadonlyMap<string, () => Health>;
  /** Workers that are ready or working, for each plugin with a pool. */
  readonly workers: ReadonlyMap<string, number>;
  /** Names given with `?plugin=`; none means all. */
  readonly wanted: readonly string[];
  readonly starting: boolean;
  readonly stopping: boolean;
  readonly unavailable: number;
}

/** The answer of a probe: 200 only when every plugin that was asked for is well. */
export function report(input: ReportInput): { status: number; plugins: PluginReport[] } {
  const { probe, checks, starting, stopping, unavailable } = input;
  const names = input.wanted.length > 0 ? [...new Set(input.wanted)] : [...checks.keys()];
  if (stopping && probe === 'ready') {
    const error_message = 'the server is stopping';
    return {
      status: unavailable,
      plugins: names.map((name) => ({ plugin_name: name, error_message, status_code: unavailable })),
    };
  }
  const plugins = names.map((name) => reportOne(name, checks.get(name), input));
  const failed = plugins.some(({ status_code }) => status_code !== 200);
  // Some plugins may serve already, and some have no check yet.
  const early = (starting || plugins.length === 0) && input.wanted.length === 0 && probe === 'ready';
  return { status: failed || early ? unavailable : 200, plugins };
}

function reportOne(name: string, check: (() => Health) | undefined, input: ReportInput): PluginReport {
  const { unavailable } = input;
  if (check === undefined) return { plugin_name: name, error_message: 'no such plugin', status_code: 404 };
  try {
    const message = complaint(check(), input, name);
    return { plugin_name: name, error_message: message ?? '', status_code: message === undefined ? 200 : unavailable };
  } catch (error) {
    return { plugin_name: name, error_message: messageOf(error), status_code: 500 };
  }
}

/** What keeps a plugin from being well, if anything does. While it drains, a server is alive, however few workers are left. */
function complaint(health: Health, { probe, stopping, workers }: ReportInput, name: string): string | undefined {
  if (probe === 'ready') return health.ready ? undefined : health.message;
  if (stopping) return undefined;
  if (!health.live) return health.message;
  // With pool.debug a plugin is ready without one: workers come with the requests.
  if (probe === 'health' && workers.get(name) === 0 && !health.ready) return health.message || `${name} has no worker`;
  return undefined;
}

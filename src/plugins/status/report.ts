// What a probe answers: RoadRunner's array with one record for each plugin.

import { messageOf } from '../../core/errors.ts';
import type { Health } from '../plugin.ts';

/** The question of a probe. */
export type Probe = 'live' | 'ready';

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
  /** Names given with `?plugin=`; none means all. */
  readonly wanted: readonly string[];
  readonly stopping: boolean;
  readonly unavailable: number;
}

/** The answer of a probe: 200 only when every plugin that was asked for is well. */
export function report(input: ReportInput): { status: number; plugins: PluginReport[] } {
  const { probe, checks, stopping, unavailable } = input;
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
  // Without any check nothing serves yet: alive, but not ready.
  const idle = plugins.length === 0 && probe === 'ready';
  return { status: failed || idle ? unavailable : 200, plugins };
}

function reportOne(name: string, check: (() => Health) | undefined, input: ReportInput): PluginReport {
  const { probe, stopping, unavailable } = input;
  if (check === undefined) return { plugin_name: name, error_message: 'no such plugin', status_code: 404 };
  try {
    const health = check();
    // While it drains, a server is alive, however few workers are left.
    const well = probe === 'ready' ? health.ready : health.live || stopping;
    return { plugin_name: name, error_message: well ? '' : health.message, status_code: well ? 200 : unavailable };
  } catch (error) {
    return { plugin_name: name, error_message: messageOf(error), status_code: 500 };
  }
}

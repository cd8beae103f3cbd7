// Looks into a running server, or breaks it from inside, through a script that Node loads before it.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../helpers/paths.ts';
import { eventually } from '../../helpers/wait-for.ts';
import type { StandardApp } from './standard-app.ts';

const PRELOAD = join(ROOT, 'test', 'faults', 'rig', 'preload-probe.mjs');

/** How the server breaks when it is told to: a throw in a timer, a promise nobody catches, a socket's handler, a hook of a request. */
export type Fault = 'timer' | 'rejection' | 'data' | 'hook';

/** What a server holds, garbage collected. */
export interface Holdings {
  readonly rss: number;
  readonly heapUsed: number;
  readonly descriptors: number;
  /** Timers, sockets, pipes ... by kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** Listeners of `process`, by event. */
  readonly listeners: Readonly<Record<string, number>>;
}

/** Environment of a server that can be looked into with {@link look}. */
export function lookable(reportFile: string): Record<string, string> {
  return { NODE_OPTIONS: `--import ${PRELOAD}`, PRELOAD_REPORT: reportFile };
}

/** Environment of a server that SIGWINCH breaks. */
export function breakable(fault: Fault): Record<string, string> {
  return { NODE_OPTIONS: `--import ${PRELOAD}`, PRELOAD_FAULT: fault };
}

/** What the server holds now. */
export async function look(app: StandardApp, reportFile: string): Promise<Holdings> {
  rmSync(reportFile, { force: true });
  process.kill(app.server.pid, 'SIGWINCH');
  await eventually(() => existsSync(reportFile), 'the report of the server', 30_000);
  const descriptors = readdirSync(`/proc/${app.server.pid}/fd`).length;
  return { ...JSON.parse(readFileSync(reportFile, 'utf8')), descriptors };
}

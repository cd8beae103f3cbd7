// Finds the processes a test started, through /proc and a mark in their environment.

import { readdirSync, readFileSync } from 'node:fs';

/** Name of the environment variable that marks everything one test server starts. */
export const MARK = 'RRTS_TEST_MARK';

/** One process as /proc shows it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Every living process that carries the mark, grandchildren included. A zombie is dead. */
export function processesMarked(mark: string): ProcessEntry[] {
  const needle = Buffer.from(`${MARK}=${mark}\0`);
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => entryOf(Number(pid), needle)).filter((entry) => entry !== undefined);
}

/** Those of them that run PHP. */
export function phpProcesses(mark: string): ProcessEntry[] {
  return processesMarked(mark).filter((entry) => /^\S*php\S*( |$)/.test(entry.command));
}

/** Whether a process lives; a zombie does not. */
export function isAlive(pid: number): boolean {
  const state = stateOf(pid);
  return state !== undefined && state.state !== 'Z' && state.state !== 'X';
}

/** SIGKILL to everything that carries the mark: what a failed test leaves must not disturb the next one. */
export function killMarked(mark: string): void {
  for (const { pid } of processesMarked(mark)) kill(pid, 'SIGKILL');
}

/** Sends a signal; false when the process is gone. */
export function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function entryOf(pid: number, needle: Buffer): ProcessEntry | undefined {
  const environment = read(pid, 'environ');
  if (environment === undefined || !environment.includes(needle)) return undefined;
  const state = stateOf(pid);
  if (state === undefined || state.state === 'Z' || state.state === 'X') return undefined;
  const command = (read(pid, 'cmdline') ?? Buffer.alloc(0)).toString().replaceAll('\0', ' ').trim();
  return { pid, parent: state.parent, command };
}

/** The name in parentheses may hold anything, so what follows the last one counts. */
function stateOf(pid: number): { state: string; parent: number } | undefined {
  const stat = read(pid, 'stat')?.toString();
  if (stat === undefined) return undefined;
  const [state = 'X', parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state, parent: Number(parent) };
}

function read(pid: number, name: string): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`);
  } catch {
    return undefined;
  }
}

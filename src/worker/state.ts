// The states of a worker and the transitions between them.

/** `starting` until the handshake, `stopping` from the first step of the stop ladder on, `dead` when the process is gone. */
export type WorkerState = 'starting' | 'ready' | 'working' | 'stopping' | 'dead';

const TRANSITIONS = {
  starting: ['ready', 'stopping', 'dead'],
  ready: ['working', 'stopping', 'dead'],
  working: ['ready', 'stopping', 'dead'],
  stopping: ['dead'],
  dead: [],
} as const satisfies Record<WorkerState, readonly WorkerState[]>;

/** True when a worker may go from one state to the other. */
export function mayGo(from: WorkerState, to: WorkerState): boolean {
  return (TRANSITIONS[from] as readonly WorkerState[]).includes(to);
}

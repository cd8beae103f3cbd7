// pool.debug: a process for each request, so that every request runs the code as it is on the disk now.

import { isRrtsError, messageOf, RrtsError } from '../core/errors.ts';
import type { Worker } from '../worker/worker.ts';
import type { PoolRequest } from './request.ts';
import type { Staffing } from './staffing.ts';

/** What {@link DebugStaffing} needs of its pool. */
export interface DebugStaffingOwner {
  /** Processes that may be started now. */
  room(): number;
  /** Takes the next waiting request. */
  nextWaiting(): PoolRequest | undefined;
  /** Starts one worker; `started` is called before it can become ready. Rejects when its process cannot be started. */
  spawnWorker(started: (worker: Worker) => void): Promise<void>;
}

/**
 * Starts a worker for each waiting request, as far as there is room. A request leaves the queue when its worker is started:
 * from then on the time to boot counts and no longer the time to wait, and when the boot fails it is this request that is told.
 */
export class DebugStaffing implements Staffing {
  /** Nothing is tried again here, so nothing adds up. */
  readonly failures = 0;
  readonly #owner: DebugStaffingOwner;
  /** Requests whose worker is not ready yet; undefined while its process is being started. */
  readonly #starting = new Map<PoolRequest, Worker | undefined>();

  constructor(owner: DebugStaffingOwner) {
    this.#owner = owner;
  }

  fill(): void {
    while (this.#owner.room() > 0) {
      const request = this.#owner.nextWaiting();
      if (request === undefined) return;
      this.#starting.set(request, undefined);
      void this.#startFor(request);
    }
  }

  fillNow(): void {
    this.fill();
  }

  /** True while a request waits for this worker to boot. */
  expects(worker: Worker): boolean {
    return this.#requestOf(worker) !== undefined;
  }

  /** The request that a worker was started for; undefined when it is gone. */
  take(worker: Worker): PoolRequest | undefined {
    const request = this.#requestOf(worker);
    if (request !== undefined) this.#starting.delete(request);
    return request;
  }

  /** The client left: its worker is not needed any more. */
  cancel(request: PoolRequest): void {
    const worker = this.#starting.get(request);
    if (this.#starting.delete(request)) worker?.stop('cancelled', 0);
  }

  /** Fails the requests whose workers have not booted. */
  failAll(error: RrtsError): void {
    const requests = [...this.#starting.keys()];
    this.#starting.clear();
    for (const request of requests) request.onFailure(error);
  }

  succeeded(): void {}

  failed(): void {}

  /** Nothing: requests that were taken before the stop are still served, for as long as the pool's grace lasts. */
  close(): void {}

  async #startFor(request: PoolRequest): Promise<void> {
    try {
      await this.#owner.spawnWorker((worker) => {
        if (this.#starting.has(request)) this.#starting.set(request, worker);
      });
    } catch (error) {
      if (this.#starting.delete(request)) request.onFailure(asRrtsError(error));
      this.fill();
    }
  }

  #requestOf(worker: Worker): PoolRequest | undefined {
    for (const [request, started] of this.#starting) if (started === worker) return request;
    return undefined;
  }
}

function asRrtsError(error: unknown): RrtsError {
  return isRrtsError(error) ? error : new RrtsError('ERR_WORKER_SPAWN', messageOf(error), { cause: error });
}

// Entry of a worker thread with one module: does what the master orders, and answers each order.

import { parentPort } from 'node:worker_threads';
import { isRrtsError, messageOf } from '../../core/errors.ts';
import { fromPlainError, thrownBy, toPlainError } from './bridge-error.ts';
import { Host } from './host.ts';
import { loadHosted } from './hosted-module.ts';
import type { ThreadAnswer, ThreadFault, ThreadOrder } from './thread-message.ts';
import { Ticket } from './ticket.ts';

type Order<Kind extends ThreadOrder['kind']> = Extract<ThreadOrder, { kind: Kind }>;

/** The whole state of the thread. */
class ThreadSide {
  #host: Host | undefined;
  #module = '';
  #computing: Int32Array = new Int32Array(1);
  readonly #tickets = new Map<number, Ticket>();

  constructor() {
    // Nothing else runs here: whatever is not caught is the module's. It must not cost the objects of all callers.
    process.on('uncaughtException', (thrown) => this.#report(thrown));
    process.on('unhandledRejection', (thrown) => this.#report(thrown));
  }

  async obey(order: ThreadOrder): Promise<ThreadAnswer> {
    switch (order.kind) {
      case 'boot':
        return this.#boot(order);
      case 'run':
        return this.#run(order);
      case 'abandon':
        this.#tickets.get(order.call)?.abandon(fromPlainError(order.reason));
        break;
      case 'release':
        this.#host?.release(order.caller, order.ids);
        break;
      case 'drop':
        this.#host?.drop(order.caller);
        break;
    }
    return this.#answer({});
  }

  async #boot({ source, base, computing }: Order<'boot'>): Promise<ThreadAnswer> {
    this.#module = source.name;
    this.#computing = computing;
    try {
      const { module, warnings } = await loadHosted(source);
      const modules = new Map([[source.name, module]]);
      this.#host = new Host({
        modules,
        base,
        guard: (_, code) => code(),
        onFault: (_, thrown) => this.#report(thrown),
      });
      return this.#answer({ warnings });
    } catch (error) {
      const { place, cure } = isRrtsError(error) ? error : {};
      const details = { ...(place === undefined ? {} : { place }), ...(cure === undefined ? {} : { cure }) };
      return this.#answer({ startError: { message: messageOf(error), ...details } });
    }
  }

  async #run({ call, request }: Order<'run'>): Promise<ThreadAnswer> {
    const ticket = new Ticket();
    this.#tickets.set(call, ticket);
    try {
      return this.#answer({ bytes: await this.#compute(call, () => this.#host?.run(request, ticket)) });
    } catch (error) {
      return this.#answer({ error: toPlainError(error) });
    } finally {
      this.#tickets.delete(call);
    }
  }

  /** While code runs without a pause, the master can read whose it is, and this thread answers nothing. */
  #compute<T>(call: number, code: () => T): T {
    Atomics.store(this.#computing, 0, call);
    try {
      return code();
    } finally {
      Atomics.store(this.#computing, 0, 0);
    }
  }

  #answer(answer: { [Key in keyof ThreadAnswer]?: ThreadAnswer[Key] | undefined }): ThreadAnswer {
    return { ...(answer as Omit<ThreadAnswer, 'objects'>), objects: this.#host?.objects ?? 0 };
  }

  #report(thrown: unknown): void {
    const fault: ThreadFault = { fault: toPlainError(thrownBy(this.#module, thrown)) };
    parentPort?.postMessage(fault);
  }
}

const side = new ThreadSide();

/** What the pool of threads calls for each order. Never rejects. */
export const obey = (order: ThreadOrder): Promise<ThreadAnswer> => side.obey(order);

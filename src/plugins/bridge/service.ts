// The RPC service `bridge`: finds where a call runs, gives it its time, and forgets callers that are gone.

import { type BytesMethod, type CallContext, CallError, type Caller } from '../rpc-router/method.ts';
import { thrownBy } from './bridge-error.ts';
import type { BridgeMetrics } from './metrics.ts';
import { IDS_PER_PLACE, type Place, type Target } from './place.ts';
import { noModule } from './refusals.ts';
import { type BridgeRequest, bridgeCodec, Fields, type Wish } from './request.ts';
import { Ticket } from './ticket.ts';
import { objectIds } from './values-in.ts';

/** An answer that says nothing, in each codec. */
const NOTHING = { json: Buffer.from('null'), msgpack: Buffer.from([0xc0]) } as const;

/** Calls on objects that are not there are counted so. */
const NO_MODULE = 'unknown';

/** What the service is made of. */
export interface ServiceOptions {
  readonly targets: ReadonlyMap<string, Target>;
  /** The place whose objects have ids above `index * IDS_PER_PLACE`. @throws CallError ERR_BRIDGE_RELEASED when it is gone. */
  readonly placeAt: (index: number) => Place;
  /** Bytes of a method's name and a result together. */
  readonly maxPayload: () => number;
  readonly metrics: BridgeMetrics;
}

/** A caller that has called. */
interface Known {
  readonly id: number;
  /** Where it may have objects. */
  readonly places: Set<Place>;
}

/** How a call is counted, and how long it may take. */
interface Terms {
  readonly module: string;
  readonly timeoutMs: number;
}

/** One for the server. */
export class BridgeService {
  readonly #options: ServiceOptions;
  readonly #callers = new Map<Caller, Known>();
  /** Calls that are not answered yet. */
  readonly #tickets = new Set<Ticket>();
  #lastCaller = 0;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  /** Callers that may hold objects. */
  get callers(): number {
    return this.#callers.size;
  }

  /** For `registerRpc`. */
  methods(): Readonly<Record<string, BytesMethod>> {
    const method = (run: (fields: Fields, call: CallContext) => Buffer | Promise<Buffer>): BytesMethod => ({
      // An answer that is there already is given back without a promise; the router takes both.
      bytes: (argument, call) => run(new Fields(argument, bridgeCodec(call)), call),
    });
    return {
      Call: method((fields, call) => this.#call(fields, call)),
      CallObject: method((fields, call) =>
        this.#onObject(
          { kind: 'callObject', id: fields.id(), name: fields.text('name'), values: fields.values() },
          call,
        ),
      ),
      Get: method((fields, call) => this.#onObject({ kind: 'get', id: fields.id(), name: fields.text('name') }, call)),
      Next: method((fields, call) => this.#onObject({ kind: 'next', id: fields.id(), count: fields.count() }, call)),
      Return: method((fields, call) => this.#onObject({ kind: 'return', id: fields.id() }, call)),
      Release: method((fields, call) => this.#release(fields.ids(), call)),
    };
  }

  /** Gives up all calls. */
  close(): void {
    for (const ticket of this.#tickets) ticket.abandon(new CallError('the server stops', 'ERR_RPC_CANCELLED'));
    this.#callers.clear();
  }

  #call(fields: Fields, call: CallContext): Buffer | Promise<Buffer> {
    const wish: Wish = {
      kind: 'call',
      module: fields.text('module'),
      name: fields.text('name'),
      values: fields.values(),
    };
    const target = this.#options.targets.get(wish.module);
    if (target === undefined) throw noModule(wish.module, [...this.#options.targets.keys()]);
    const terms = { module: wish.module, timeoutMs: target.timeoutMs };
    return this.#run(wish, terms, call, (ticket) => target.place(objectIds(wish.values), ticket));
  }

  #onObject(wish: Exclude<Wish, { kind: 'call' }>, call: CallContext): Buffer | Promise<Buffer> {
    const place = this.#options.placeAt(Math.floor(wish.id / IDS_PER_PLACE));
    const module = place.moduleOf(this.#known(call.caller).id, wish.id) ?? NO_MODULE;
    const timeoutMs = this.#options.targets.get(module)?.timeoutMs ?? 0;
    return this.#run(wish, { module, timeoutMs }, call, () => place);
  }

  #release(ids: readonly number[], call: CallContext): Buffer {
    const known = this.#callers.get(call.caller);
    const byPlace = new Map<Place, number[]>();
    for (const id of known === undefined ? [] : ids) {
      const place = this.#placeOf(id);
      if (place === undefined) continue;
      const list = byPlace.get(place);
      if (list === undefined) byPlace.set(place, [id]);
      else list.push(id);
    }
    for (const [place, list] of byPlace) place.release(known?.id ?? 0, list);
    return NOTHING[bridgeCodec(call)];
  }

  /** Undefined for a thread that is gone: its objects are too. */
  #placeOf(id: number): Place | undefined {
    try {
      return this.#options.placeAt(Math.floor(id / IDS_PER_PLACE));
    } catch {
      return undefined;
    }
  }

  #run(
    wish: Wish,
    terms: Terms,
    call: CallContext,
    findPlace: (ticket: Ticket) => Place | Promise<Place>,
  ): Buffer | Promise<Buffer> {
    const startedAt = performance.now();
    const known = this.#known(call.caller);
    const request: BridgeRequest = {
      caller: known.id,
      codec: bridgeCodec(call),
      maxBytes: this.#options.maxPayload() - call.method.length,
      wish,
    };
    const ticket = new Ticket();
    const runAt = (place: Place): Buffer | Promise<Buffer> => {
      known.places.add(place);
      return place.run(request, ticket);
    };
    try {
      const place = findPlace(ticket);
      const result = place instanceof Promise ? place.then(runAt) : runAt(place);
      if (result instanceof Promise) return this.#await(result, ticket, terms, call, startedAt);
      this.#options.metrics.count(terms.module, startedAt);
      return result;
    } catch (thrown) {
      const error = thrownBy(call.method, thrown);
      this.#options.metrics.count(terms.module, startedAt, error);
      throw error;
    }
  }

  async #await(
    result: Promise<Buffer>,
    ticket: Ticket,
    { module, timeoutMs }: Terms,
    { signal, method }: CallContext,
    startedAt: number,
  ): Promise<Buffer> {
    const late = (): void => {
      const text = `${module} did not answer within ${timeoutMs} ms (bridge.modules.${module}.timeout)`;
      ticket.abandon(new CallError(text, 'ERR_RPC_TIMEOUT'));
    };
    const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined;
    const onAbort = (): void => ticket.abandon(thrownBy(method, signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#tickets.add(ticket);
    let error: CallError | undefined;
    try {
      const given = new Promise<never>((_, reject) => ticket.onAbandon(reject));
      return await Promise.race([result, given]);
    } catch (thrown) {
      error = thrownBy(method, thrown);
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#tickets.delete(ticket);
      this.#options.metrics.count(module, startedAt, error);
    }
  }

  #known(caller: Caller): Known {
    const there = this.#callers.get(caller);
    if (there !== undefined) return there;
    const known: Known = { id: ++this.#lastCaller, places: new Set() };
    this.#callers.set(caller, known);
    caller.onGone(() => {
      this.#callers.delete(caller);
      for (const place of known.places) place.drop(known.id);
    });
    return known;
  }
}

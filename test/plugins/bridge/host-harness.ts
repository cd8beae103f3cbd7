// A host with the fixture library, and calls on it as a caller with MessagePack makes them.

import assert from 'node:assert/strict';
import { Faults } from '../../../src/plugins/bridge/faults.ts';
import { Host } from '../../../src/plugins/bridge/host.ts';
import { loadHosted } from '../../../src/plugins/bridge/hosted-module.ts';
import type { BridgeCodec, Wish } from '../../../src/plugins/bridge/request.ts';
import { Ticket } from '../../../src/plugins/bridge/ticket.ts';
import { CallError } from '../../../src/plugins/rpc-router/method.ts';
import { decodeMessagePack, encodeMessagePack } from '../../../src/protocol/rpc/message-pack.ts';

/** Where the fixture library is. */
export const FIXTURES = new URL('fixtures/', import.meta.url).pathname;

/** A handle as PHP gets it. */
export interface Handle {
  readonly $rrts: 'object';
  readonly id: number;
  readonly class: string;
  readonly iterable: boolean;
}

/** Calls on one host. */
export class HostCaller {
  readonly host: Host;
  readonly faults: string[];
  caller = 1;
  codec: BridgeCodec = 'msgpack';

  constructor(host: Host, faults: string[]) {
    this.host = host;
    this.faults = faults;
  }

  /** What PHP would get for `wish`. */
  async run(wish: Wish, ticket = new Ticket()): Promise<unknown> {
    // Arguments cross as bytes do: what PHP sends has no prototypes.
    const values = 'values' in wish ? { values: decodeMessagePack(encodeMessagePack(wish.values)) } : {};
    const { caller, codec } = this;
    const bytes = await this.host.run(
      { caller, codec, maxBytes: 1024 * 1024 * 1024, wish: { ...wish, ...values } as Wish },
      ticket,
    );
    return codec === 'json' ? JSON.parse(bytes.toString()) : decodeMessagePack(bytes);
  }

  call(name: string, ...values: unknown[]): Promise<unknown> {
    return this.run({ kind: 'call', module: 'library', name, values });
  }

  async object(name: string, ...values: unknown[]): Promise<Handle> {
    const handle = (await this.call(name, ...values)) as Handle;
    assert.equal(handle.$rrts, 'object');
    return handle;
  }

  on({ id }: Handle, name: string, ...values: unknown[]): Promise<unknown> {
    return this.run({ kind: 'callObject', id, name, values });
  }

  get({ id }: Handle, name: string): Promise<unknown> {
    return this.run({ kind: 'get', id, name });
  }

  next({ id }: Handle, count = 1, ticket = new Ticket()): Promise<unknown> {
    return this.run({ kind: 'next', id, count }, ticket);
  }
}

/** A host with the library. */
export async function hostWith(allow: readonly string[], from = './library.mjs'): Promise<HostCaller> {
  const faults = new Faults();
  const seen: string[] = [];
  const { module } = await loadHosted({ name: 'library', from, allow, directory: FIXTURES });
  const host = new Host({
    modules: new Map([['library', module]]),
    base: 0,
    guard: (name, code) => faults.guard(name, code),
    onFault: (name, thrown) => seen.push(`${name}: ${(thrown as Error).message}`),
  });
  return new HostCaller(host, seen);
}

/** The error of a call that must fail. */
export async function failure(call: Promise<unknown> | (() => Promise<unknown>)): Promise<CallError> {
  try {
    const result = await (typeof call === 'function' ? call() : call);
    assert.fail(`it answered ${JSON.stringify(result)}`);
  } catch (error) {
    assert.ok(error instanceof CallError, String(error));
    return error;
  }
}

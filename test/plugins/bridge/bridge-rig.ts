// The bridge plugin on a router, and callers that speak to it in frames of MessagePack.

import assert from 'node:assert/strict';
import { camelCased } from '../../../src/core/camel-case.ts';
import { bridgeSchema } from '../../../src/plugins/bridge/config.ts';
import { bridgePlugin } from '../../../src/plugins/bridge/plugin.ts';
import type { Plugin, PluginContext } from '../../../src/plugins/plugin.ts';
import type { RpcSession } from '../../../src/plugins/rpc-router/session.ts';
import { FrameDecoder } from '../../../src/protocol/decode.ts';
import { encodeFrame } from '../../../src/protocol/encode.ts';
import { FLAG, type Frame } from '../../../src/protocol/frame.ts';
import { decodeMessagePack, encodeMessagePack } from '../../../src/protocol/rpc/message-pack.ts';
import { within } from '../../helpers/wait-for.ts';
import { LogCollector } from '../../pool/pool-rig.ts';
import { fakeContext } from '../fake-context.ts';
import { FIXTURES, type Handle } from './host-harness.ts';

/** An error as a caller with MessagePack gets it. */
export class Refused extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(map: Readonly<Record<string, unknown>>) {
    super(String(map['message']));
    this.code = String(map['code']);
    this.details = map;
  }
}

/** A plugin that runs. */
export interface BridgeRig {
  readonly plugin: Plugin;
  readonly context: PluginContext;
  readonly logger: LogCollector;
  /** Asked as the server asks about an error that nobody caught. */
  claimsFault(thrown: unknown): boolean;
  caller(): RigCaller;
  /** Value of a metric; the sum over its labels that match. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a plugin with these modules. */
export async function startBridge(modules: Readonly<Record<string, unknown>>): Promise<BridgeRig> {
  const logger = new LogCollector();
  const claims: ((thrown: unknown) => boolean)[] = [];
  const context: PluginContext = {
    ...fakeContext(() => []),
    logger,
    directory: FIXTURES,
    claimFaults: (claim) => void claims.push(claim),
  };
  const plugin = bridgePlugin.create(camelCased(bridgeSchema, bridgeSchema.parse({ modules })), context);
  try {
    await plugin.start();
  } catch (error) {
    await plugin.stop(0);
    throw error;
  }
  return {
    plugin,
    context,
    logger,
    claimsFault: (thrown) => claims.some((claim) => claim(thrown)),
    caller: () => new RigCaller(context),
    metric: (name, labels = {}) => metricOf(context, name, labels),
    stop: () => plugin.stop(1000),
  };
}

/** One caller; close it as the end of a worker does. */
export class RigCaller {
  readonly session: RpcSession;
  readonly #decoder = new FrameDecoder();
  readonly #waiting = new Map<number, (frame: Frame) => void>();
  #sequence = 0;

  constructor(context: PluginContext) {
    this.session = context.rpcRouter.open({
      name: 'worker 7',
      debug: true,
      quietZero: true,
      write: (bytes, sent) => {
        this.#decoder.push(bytes, (frame) => this.#waiting.get(frame.options[0] ?? 0)?.(frame));
        sent();
      },
    });
  }

  /** Any method, with an argument and maybe a deadline. */
  async rpc(name: string, argument: unknown, deadlineMs = 0, patienceMs = 10_000): Promise<unknown> {
    const method = Buffer.from(`bridge.${name}`);
    const sequence = ++this.#sequence;
    const reply = new Promise<Frame>((resolve) => this.#waiting.set(sequence, resolve));
    const options = [sequence, method.length, deadlineMs];
    const bytes = encodeFrame(FLAG.MSGPACK, 0, options, method, encodeMessagePack(argument));
    new FrameDecoder().push(bytes, (frame) => this.session.receive(frame));
    const { flags, payload } = await within(reply, patienceMs, `an answer of ${name}`);
    this.#waiting.delete(sequence);
    const value = decodeMessagePack(payload.subarray(method.length));
    if ((flags & FLAG.ERROR) !== 0) throw new Refused(value as Record<string, unknown>);
    return value;
  }

  call(module: string, name: string, values: readonly unknown[] = [], deadlineMs = 0): Promise<unknown> {
    return this.rpc('Call', { module, name, arguments: values }, deadlineMs);
  }

  async object(module: string, name: string, values: readonly unknown[] = []): Promise<Handle> {
    const handle = (await this.call(module, name, values)) as Handle;
    assert.equal(handle.$rrts, 'object');
    return handle;
  }

  on({ id }: Handle, name: string, values: readonly unknown[] = [], deadlineMs = 0): Promise<unknown> {
    return this.rpc('CallObject', { id, name, arguments: values }, deadlineMs);
  }

  close(): void {
    this.session.close();
  }
}

/** The refusal of a call that must fail. */
export async function refusal(call: Promise<unknown>): Promise<Refused> {
  try {
    const result = await call;
    assert.fail(`it answered ${JSON.stringify(result)}`);
  } catch (error) {
    assert.ok(error instanceof Refused, String(error));
    return error;
  }
}

async function metricOf(
  { metrics }: PluginContext,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<number> {
  const metric = await metrics.getSingleMetric(name)?.get();
  const wanted = Object.entries(labels);
  return (metric?.values ?? [])
    .filter((sample) => wanted.every(([key, value]) => String(sample.labels[key]) === value))
    .reduce((sum, { value }) => sum + value, 0);
}

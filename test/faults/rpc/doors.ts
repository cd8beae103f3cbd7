// Both doors of RPC on a real server, for tests that send frames of their own: a connection of the listener, and the channel of a native worker,
// for which a PHP worker ferries the bytes.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { FrameDecoder } from '../../../src/protocol/decode.ts';
import { encodeFrame } from '../../../src/protocol/encode.ts';
import { FLAG, type Frame } from '../../../src/protocol/frame.ts';
import type { WorkerKind } from '../../e2e/kinds.ts';
import { freePort } from '../../helpers/free-port.ts';
import { mentions } from '../../helpers/log-lines.ts';
import { fixture, ROOT } from '../../helpers/paths.ts';
import { type ConfigTree, mergeConfig } from '../../helpers/start-server.ts';
import { eventually, within } from '../../helpers/wait-for.ts';
import { lookable } from '../rig/probe.ts';
import { type StandardApp, startStandard } from '../rig/standard-app.ts';

const FERRY: WorkerKind = {
  name: 'worker that ferries calls',
  command: ['php', fixture('misbehaving/ferries-calls.php')],
  config: {},
  prepare: async () => undefined,
};

/** What a reply says. */
export interface Reply {
  readonly sequence: number;
  readonly error: boolean;
  readonly flags: number;
  readonly text: string;
}

/** A way in. */
export interface Door {
  readonly name: string;
  /** Sends bytes that hold calls, and gives the replies, of which so many are expected. */
  send(bytes: Buffer, replies: number): Promise<Reply[]>;
}

/** A server with both doors and a module whose calls wait. */
export interface Doors {
  readonly app: StandardApp;
  readonly port: number;
  readonly doors: readonly [listener: Door, inBand: Door];
  /** A metric without labels. */
  metric(name: string): Promise<number>;
  /** Waits until no call is under way and no more callers are there than workers. */
  quiet(): Promise<void>;
}

/** A call frame. */
export function callFrame(
  sequence: number,
  method: string | Buffer,
  argument: unknown,
  { flags = FLAG.JSON as number, deadlineMs = undefined as number | undefined } = {},
): Buffer {
  const name = Buffer.from(method);
  const bytes = Buffer.isBuffer(argument) ? argument : Buffer.from(JSON.stringify(argument) ?? '');
  const options = deadlineMs === undefined ? [sequence, name.length] : [sequence, name.length, deadlineMs];
  return encodeFrame(flags, 0, options, name, bytes);
}

/** A call of the module that waits. */
export function moduleCall(sequence: number, name: string, args: readonly unknown[], deadlineMs?: number): Buffer {
  return callFrame(sequence, 'bridge.Call', { module: 'waiting', name, arguments: args }, { deadlineMs });
}

/** Starts it. `reportFile` makes it possible to look into the server. */
export async function startDoors(t: TestContext, config: ConfigTree = {}, reportFile?: string): Promise<Doors> {
  const port = await freePort();
  const allow = ['sleep', 'never', 'echo', 'askUrl', 'makeThing', '.name'];
  const base: ConfigTree = {
    rpc: { listen: `tcp://127.0.0.1:${port}` },
    bridge: { modules: { waiting: { from: './test/faults/rpc/waiting-module.mjs', allow } } },
  };
  const app = await startStandard(t, {
    kind: FERRY,
    environment: reportFile === undefined ? {} : lookable(reportFile),
    cwd: ROOT,
    config: mergeConfig(base, config),
  });
  assert.ok(app !== undefined);
  await app.server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
  const metric = async (name: string): Promise<number> => {
    // On a machine that has other things to do a scrape can come too late: no number, and whoever waits for one looks again.
    const text = await app.metrics().catch(() => '');
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  };
  const quiet = async (): Promise<void> => {
    await eventually(
      async () => {
        const [calls, callers] = [await metric('rrts_rpc_calls_in_flight'), await metric('rrts_rpc_callers')];
        return calls === 0 && callers <= app.workers().length;
      },
      'no call under way and no caller but the workers',
      15_000,
    );
  };
  return { app, port, doors: [listenerDoor(port), inBandDoor(app)], metric, quiet };
}

/** A connection for each send. */
function listenerDoor(port: number): Door {
  return {
    name: 'listener',
    send: (bytes, count) => {
      const replies: Reply[] = [];
      const socket = connect(port, '127.0.0.1');
      const decoder = new FrameDecoder();
      const done = new Promise<Reply[]>((resolve, reject) => {
        socket.on('error', reject);
        socket.once('close', () => resolve(replies));
        socket.on('data', (chunk) => {
          decoder.push(chunk, (frame) => replies.push(readReply(frame)));
          if (replies.length >= count) socket.destroy();
        });
        socket.write(bytes);
      });
      return within(done, 60_000, () => `${count} replies (${replies.length} came)`).finally(() => socket.destroy());
    },
  };
}

/** One request of a worker for each send. */
function inBandDoor(app: StandardApp): Door {
  return {
    name: 'in-band',
    send: async (bytes, count) => {
      const response = await post(app, `/calls/${count}`, bytes);
      assert.equal(response.status, 200, response.body.toString('utf8', 0, 500));
      return readReplies(response.body);
    },
  };
}

/** Bytes to a ferrying worker. */
export async function post(
  app: StandardApp,
  path: string,
  body: Buffer,
): Promise<{ readonly status: number; readonly body: Buffer }> {
  const response = await fetch(`${app.url}${path}`, {
    method: 'POST',
    body: new Uint8Array(body),
    signal: AbortSignal.timeout(60_000),
  });
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
}

/** The replies in what a ferrying worker answered. */
export function readReplies(bytes: Buffer): Reply[] {
  const replies: Reply[] = [];
  new FrameDecoder().push(bytes, (frame) => replies.push(readReply(frame)));
  return replies;
}

function readReply({ flags, options, payload }: Frame): Reply {
  const [sequence = 0, length = 0] = options;
  return { sequence, flags, error: (flags & FLAG.ERROR) !== 0, text: payload.subarray(length).toString('latin1') };
}

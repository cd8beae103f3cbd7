// Control messages: the handshake and the stop, as discriminated unions.

import { z } from 'zod';
import { RrtsError } from '../core/errors.ts';
import { quoteBytes } from '../core/text.ts';
import { encodeControl } from './encode.ts';

/** Version of hello and welcome; a worker with another one is refused. */
export const HELLO_VERSION = 1;

/** What a native worker says first. */
const helloSchema = z.object({
  hello: z.int(),
  pid: z.int().positive(),
  php: z.string().max(64).default('?'),
  sapi: z.string().max(64).default('?'),
  client: z.string().max(64).default('?'),
  codecs: z.array(z.string().max(32)).max(16).default(['json']),
  features: z.array(z.string().max(32)).max(64).default([]),
});

/** What an SDK worker answers to the pid request. */
const pidSchema = z.object({ pid: z.int().positive() });

/** A native worker introduces itself. */
export type Hello = z.output<typeof helloSchema>;

/** How many requests a native worker threw away that were revoked. */
const droppedSchema = z.object({ dropped: z.int().positive() });

/** What a worker may say in its first control frame. */
export type ControlMessage =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'pid'; readonly pid: number };

/**
 * Reads the payload of a control frame that came after the handshake: how many revoked requests the worker threw away.
 * @throws RrtsError ERR_PROTOCOL_SEQUENCE for anything else.
 */
export function parseDropped(payload: Buffer): number {
  const dropped = droppedSchema.safeParse(parseJson(payload));
  if (dropped.success) return dropped.data.dropped;
  throw new RrtsError('ERR_PROTOCOL_SEQUENCE', `a control message at the wrong time: ${quoteBytes(payload)}`);
}

/** Reads the payload of the first control frame of a worker. @throws RrtsError ERR_PROTOCOL_SEQUENCE when it is neither. */
export function parseControl(payload: Buffer): ControlMessage {
  const value = parseJson(payload);
  const hello = helloSchema.safeParse(value);
  if (hello.success) return { kind: 'hello', hello: hello.data };
  const pid = pidSchema.safeParse(value);
  if (pid.success) return { kind: 'pid', pid: pid.data.pid };
  throw new RrtsError('ERR_PROTOCOL_SEQUENCE', `an unknown control message: ${quoteBytes(payload)}`);
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new RrtsError('ERR_PROTOCOL_SEQUENCE', `a control frame without JSON: ${quoteBytes(payload)}`, { cause });
  }
}

/** Master to SDK worker, first of all: tell me your pid. */
export function encodePidRequest(masterPid: number): Buffer {
  return encodeControl({ pid: masterPid });
}

/** Master to native worker: the answer to hello. @param rpcMax - bytes of a call, for a worker that may call; undefined for one that may not. */
export function encodeWelcome(codec: 'msgpack' | 'json', debug: boolean, rpcMax: number | undefined): Buffer {
  const rpc = rpcMax === undefined ? {} : { rpc: true, rpc_max: rpcMax };
  return encodeControl({ welcome: HELLO_VERSION, codec, debug, ...rpc });
}

/** Master to native worker: throw away the requests that you hold and have not begun, and say how many those were. */
export const REVOKE_FRAME: Buffer = encodeControl({ revoke: true });

/** Master to worker: end your loop and exit 0. */
export const STOP_FRAME: Buffer = encodeControl({ stop: true });

/** True when the head of a reply is a worker's wish to be stopped instead of an answer: `{"stop":true}` without a body. */
export function isStopWish(head: Buffer, body: Buffer): boolean {
  if (body.length > 0 || head.length > 32 || head[0] !== 0x7b) return false;
  try {
    const value: unknown = JSON.parse(head.toString('latin1'));
    return typeof value === 'object' && value !== null && 'stop' in value && value.stop === true;
  } catch {
    return false; // not JSON, so no stop wish; the head codec judges it
  }
}

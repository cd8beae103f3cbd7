// Makes an event's HTTP request to the internal front.

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { ERROR_CODES, type ErrorCode, messageOf, RrtsError } from '../../core/errors.ts';
import { encodeRelayed, FAILURE_HEADER, RELAYED_HEADER, type Relayed } from '../relayed-request.ts';
import type { EventRequest } from './events/http-request.ts';

/** Largest payload of an answer; of a streamed one 20 MB go quickly and there is no limit of ours. */
export const MAX_ANSWER_BYTES = 6 * 1024 * 1024;

/** What the request needs beside itself. */
export interface FrontCall {
  /** Path of the front's socket. */
  readonly socket: string;
  readonly request: EventRequest;
  readonly relayed: Relayed;
  /** Gives it up. */
  readonly signal: AbortSignal;
}

/**
 * Sends the request; settles with the head of its response, whose body is still to be read.
 * @throws RrtsError with the code of the failure when no worker has answered; ERR_LAMBDA_EVENT for a request that cannot be sent.
 */
export async function askFront({ socket, request, relayed, signal }: FrontCall): Promise<IncomingMessage> {
  const { method, target, headers, body } = request;
  const lengths = body.length > 0 || method !== 'GET' ? ['content-length', String(body.length)] : [];
  const own = [RELAYED_HEADER, encodeRelayed(relayed), ...lengths, 'connection', 'close'];
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // A list goes out as it is, repeated names included. No connection is kept: one that slept in a frozen environment may be half dead.
    const list = [...headers, ...own] as unknown as NodeJS.Dict<string>;
    const outgoing = httpRequest({ socketPath: socket, agent: false, method, path: target, headers: list, signal });
    outgoing.on('error', reject);
    outgoing.once('response', resolve);
    outgoing.end(body);
  }).catch((thrown: unknown) => {
    throw notSent(thrown, signal);
  });
  const failure = response.headers[FAILURE_HEADER];
  if (typeof failure !== 'string') return response;
  response.resume();
  const code = failure in ERROR_CODES ? (failure as ErrorCode) : 'ERR_WORKER_ERROR';
  throw new RrtsError(code, ERROR_CODES[code]);
}

/**
 * The whole body.
 * @throws RrtsError ERR_LAMBDA_RESPONSE when it is too large for an answer, ERR_WORKER_CUT when it breaks off.
 */
export async function readBody(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      length += part.length;
      if (length > MAX_ANSWER_BYTES) throw tooLarge();
    }
  } catch (thrown) {
    throw thrown instanceof RrtsError ? thrown : brokenOff(thrown);
  }
  return Buffer.concat(parts, length);
}

/** The error of a response that Lambda does not take for its size. */
export function tooLarge(): RrtsError {
  return new RrtsError('ERR_LAMBDA_RESPONSE', 'the response is larger than the 6 MB that Lambda takes', {
    cure: 'Stream it (lambda.streaming), or put it into S3 and answer with its address.',
  });
}

/** The error of a response whose body broke off. */
export function brokenOff(cause: unknown): RrtsError {
  return new RrtsError('ERR_WORKER_CUT', ERROR_CODES.ERR_WORKER_CUT, { cause });
}

function notSent(thrown: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
  if (code === 'ECONNRESET' || code === 'EPIPE') return brokenOff(thrown);
  return new RrtsError('ERR_LAMBDA_EVENT', `the request of the event cannot be made: ${messageOf(thrown)}`, {
    cause: thrown,
  });
}

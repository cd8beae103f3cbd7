// Receives the body of a request within its limits of size and time.

import type { ServerResponse } from 'node:http';
import { BodyError, tooLarge } from './body/body-error.ts';
import { type ReceivedBody, readBody } from './body/read-body.ts';
import { REFUSALS, type Refusal } from './refusal.ts';
import type { AcceptedRequest } from './request-filter.ts';
import type { HttpServices } from './services.ts';

/**
 * Reads a body to its end. The socket's own timer watches for pauses: every byte winds it up again.
 * @throws BodyError with the status to answer; anything else when the client broke off.
 */
export async function receiveBody(
  response: ServerResponse,
  accepted: AcceptedRequest,
  services: HttpServices,
): Promise<ReceivedBody> {
  const { socket } = response;
  const { bodyLimits, config } = services;
  // Asked before 100 Continue: a client that waits for it need not send what will be refused.
  if (accepted.contentLength > bodyLimits.maxBytes) throw tooLarge();
  if (accepted.expectsContinue) response.writeContinue();
  socket?.setTimeout(config.timeouts.bodyIdle);
  const contentLength = accepted.contentLength === -1 ? undefined : accepted.contentLength;
  try {
    return await readBody(response.req, { contentType: accepted.contentType, contentLength }, bodyLimits);
  } finally {
    socket?.setTimeout(0);
  }
}

/** How a failed body is answered. */
export function bodyRefusal(error: unknown): Refusal {
  return error instanceof BodyError ? { status: error.status, text: error.message } : REFUSALS.malformed;
}

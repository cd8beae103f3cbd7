// Why a request body was refused.

/** What the client is told: 400 not well formed, 413 too large, 500 and 507 our fault. */
export type BodyErrorStatus = 400 | 413 | 500 | 507;

/**
 * A request body that does not reach PHP. `message` is fit to be sent to the client. Most of the body is still unread
 * when this is thrown, so the answer has to carry `Connection: close`.
 */
export class BodyError extends Error {
  readonly status: BodyErrorStatus;

  constructor(status: BodyErrorStatus, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BodyError';
    this.status = status;
  }
}

/** The error of a body over `max_request_size`, in RoadRunner's words: there are clients and tests that look for them. */
export function tooLarge(): BodyError {
  return new BodyError(413, 'serve_http: http: request body too large');
}

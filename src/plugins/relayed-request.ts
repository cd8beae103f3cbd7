// How a part of rrts that makes HTTP requests for somebody else tells the internal front who that is, and how it learns why one failed.

/** Request header in which {@link Relayed} travels. A public front takes it for any other header. */
export const RELAYED_HEADER = 'rrts-relayed';

/** Response header with the error code of a request that no worker has answered. */
export const FAILURE_HEADER = 'rrts-failure';

/** The client that a request is made for. */
export interface Relayed {
  /** What PHP sees in REMOTE_ADDR. */
  readonly remoteAddress: string;
  readonly scheme: 'http' | 'https';
  /** Attributes of the request for PHP. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Milliseconds it may run. Routes and the pool may allow less. */
  readonly timeoutMs: number;
}

/** The value of {@link RELAYED_HEADER}. */
export function encodeRelayed(relayed: Relayed): string {
  return Buffer.from(JSON.stringify(relayed)).toString('base64');
}

/** Takes the header out of `headers` (name, value ..., names in lower case); undefined when it is not there. */
export function takeRelayed(headers: string[]): Relayed | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] !== RELAYED_HEADER) continue;
    const [, value = ''] = headers.splice(index, 2);
    return JSON.parse(Buffer.from(value, 'base64').toString()) as Relayed;
  }
  return undefined;
}

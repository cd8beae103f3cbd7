// Finds what belongs to a request by its method and path: Fastify's router, made to see paths as PHP frameworks do.

import findMyWay, { type HTTPMethod, type HTTPVersion, type Instance } from 'find-my-way';
import { messageOf } from '../../core/errors.ts';

/** Every method that a request may come with: the filter refuses the others. */
export const ROUTABLE_METHODS: readonly string[] = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'SEARCH', 'REPORT', 'PURGE'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'MKCALENDAR', 'MKACTIVITY', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'ACL', 'BIND'],
  ...[
    'UNBIND',
    'REBIND',
    'LINK',
    'UNLINK',
    'CHECKOUT',
    'MERGE',
    'NOTIFY',
    'SUBSCRIBE',
    'UNSUBSCRIBE',
    'M-SEARCH',
    'SOURCE',
  ],
];

/** Parameters are not looked at, so their length is no reason for another route. */
const ANY_LENGTH = 2 ** 16;
/** A path that has to be decoded before it can be compared. */
const ENCODED = /[%\x80-\xff]/;
const NO_QUERY = {};

/** Patterns with what belongs to them. */
export class RouteTable<Value> {
  readonly #router: Instance<HTTPVersion.V1> = findMyWay({
    ignoreDuplicateSlashes: true,
    maxParamLength: ANY_LENGTH,
    querystringParser: () => NO_QUERY,
  });

  /**
   * Adds a pattern such as `/reports/*` or `/user/:id`.
   * @returns why it cannot be added, or the value that has this pattern and one of the methods already.
   */
  add(methods: readonly string[], pattern: string, value: Value): { wrong: string } | { taken: Value } | undefined {
    try {
      for (const method of methods as readonly HTTPMethod[]) {
        const taken = this.#router.findRoute(method, pattern);
        if (taken !== null) return { taken: taken.store as Value };
      }
      this.#router.on([...methods] as HTTPMethod[], pattern, noHandler, value);
    } catch (error) {
      return { wrong: messageOf(error) };
    }
    return undefined;
  }

  /** True when a request of this method to exactly this pattern has a value. */
  has(method: string, pattern: string): boolean {
    return this.#router.findRoute(method as HTTPMethod, pattern) !== null;
  }

  /**
   * What belongs to a request. The query does not count, nor how the path is encoded: `%2F` is a slash here, as it is for frameworks
   * that decode a path before they compare it, and bytes that are not UTF-8 are no obstacle.
   * @param target - origin form, accepted by the request filter.
   */
  find(method: string, target: string): Value | undefined {
    const query = target.indexOf('?');
    const path = query === -1 ? target : target.slice(0, query);
    const found = this.#router.find(method as HTTPMethod, ENCODED.test(path) ? decoded(path) : path);
    return found === null ? undefined : (found.store as Value);
  }
}

/** The path as text. What the router would take for an escape or the begin of a query stays encoded. */
function decoded(path: string): string {
  const bytes = path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8').replace(/[%?#]/g, encodeURIComponent);
}

function noHandler(): void {
  // The router wants one; we only look for the value.
}

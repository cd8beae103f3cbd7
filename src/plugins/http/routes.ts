// The section `http.routes`: what is wrong with it, and the table that is made of it.

import { ROUTABLE_METHODS, RouteTable } from './route-table.ts';

/** One entry of `http.routes`. */
export interface Route {
  readonly path: string;
  readonly methods?: readonly string[] | undefined;
  /** Name of one of `http.pools`; undefined for the default pool. */
  readonly pool?: string | undefined;
}

/** One thing that is wrong with the entry at `index`. */
export interface RouteProblem {
  readonly index: number;
  readonly key: 'path' | 'methods' | 'pool';
  readonly message: string;
}

/** What is wrong with the routes; nothing when they can be served. `pools` are the names of `http.pools`. */
export function routeProblems(routes: readonly Route[], pools: readonly string[]): RouteProblem[] {
  const problems: RouteProblem[] = [];
  const table = new RouteTable<number>();
  for (const [index, route] of routes.entries()) {
    // A method that does not exist is reported where it stands.
    const methods = methodsOf(route).filter((method) => ROUTABLE_METHODS.includes(method));
    const fault = table.add(methods, route.path, index);
    if (fault !== undefined && 'wrong' in fault)
      problems.push({ index, key: 'path', message: badPattern(route, fault.wrong) });
    else if (fault !== undefined) problems.push({ index, key: 'path', message: duplicate(route, routes[fault.taken]) });
    if (route.pool !== undefined && !pools.includes(route.pool)) {
      const known = pools.length === 0 ? 'http.pools has none' : `http.pools has ${pools.join(', ')}`;
      problems.push({ index, key: 'pool', message: `there is no pool "${route.pool}": ${known}` });
    }
  }
  return problems;
}

/** Names of pools that no route leads to. */
export function unusedPools(routes: readonly Route[], pools: readonly string[]): string[] {
  return pools.filter((name) => !routes.some(({ pool }) => pool === name));
}

/**
 * The table of the routes, each with what `make` makes of it; undefined without routes, so that nothing is looked up then.
 * A route for GET is one for HEAD too, unless another has it: PHP does the same work for both.
 */
export function routeTable<R extends Route, Value>(
  routes: readonly R[],
  make: (route: R) => Value,
): RouteTable<Value> | undefined {
  if (routes.length === 0) return undefined;
  const table = new RouteTable<Value>();
  const values = routes.map((route) => ({ route, value: make(route) }));
  for (const { route, value } of values) table.add(methodsOf(route), route.path, value);
  for (const { route, value } of values) {
    if (methodsOf(route).includes('GET') && !table.has('HEAD', route.path)) table.add(['HEAD'], route.path, value);
  }
  return table;
}

function methodsOf(route: Route): readonly string[] {
  return route.methods === undefined || route.methods.length === 0 ? ROUTABLE_METHODS : route.methods;
}

function badPattern(route: Route, wrong: string): string {
  if (!/^[/*]/.test(route.path)) return 'must begin with a slash: /reports/*, /user/:id';
  return `is no pattern: ${wrong.charAt(0).toLowerCase()}${wrong.slice(1)}`;
}

function duplicate(route: Route, other: Route | undefined): string {
  const shared = methodsOf(route).filter((method) => other !== undefined && methodsOf(other).includes(method));
  const which = shared.length === ROUTABLE_METHODS.length ? 'every method' : shared.slice(0, 3).join(', ');
  return `is there twice for ${which}: the other one is "${other?.path}"`;
}

// Which changes of the configuration a running server can take over, after the marks in the schemas.

import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { camelCaseKey } from '../core/camel-case.ts';
import { LIVE } from '../core/reload-mark.ts';
import { unwrapSchema } from '../core/schema-wrapper.ts';
import { inputShape } from './schema-shape.ts';

type AnySchema = z.core.$ZodType;
type Tree = Readonly<Record<string, unknown>>;

/** What becomes of the difference between two configurations. */
export interface LiveChanges<T> {
  /** The wanted configuration, with the running value of every key that needs a restart. */
  readonly config: T;
  /** Keys that changed and are taken over, as written in the file: `http.pool.num_workers`. */
  readonly applied: readonly string[];
  /** Keys that changed and keep their running value until a restart. */
  readonly restart: readonly string[];
}

/**
 * Compares two parsed configurations of one schema (names in camelCase). The marks are those of core/reload-mark.ts; each holds for
 * everything below it that has none of its own.
 */
export function liveChanges<T>(schema: AnySchema, running: T, wanted: T, path = ''): LiveChanges<T> {
  const applied: string[] = [];
  const restart: string[] = [];
  const decide = (key: string, live: boolean): boolean => {
    (live ? applied : restart).push(key);
    return live;
  };
  const config = merge({ schema, path, live: false }, running, wanted, decide) as T;
  return { config, applied, restart };
}

interface Spot {
  readonly schema: AnySchema | undefined;
  readonly path: string;
  /** What the marks above say. */
  readonly live: boolean;
}

type Decide = (path: string, live: boolean) => boolean;

function merge(spot: Spot, running: unknown, wanted: unknown, decide: Decide): unknown {
  if (isDeepStrictEqual(running, wanted)) return running;
  const { schema, path } = spot;
  const mark = schema === undefined ? undefined : reloadMark(schema);
  const live = mark === undefined ? spot.live : mark === LIVE['x-reload'];
  const shape = schema === undefined ? undefined : inputShape(schema);
  if (!isTree(running) || !isTree(wanted) || (shape?.kind !== 'object' && shape?.kind !== 'record')) {
    return decide(path, live) ? wanted : running;
  }
  const below = (key: string): Spot => ({
    schema: shape.kind === 'object' ? shape.keys[key] : shape.value,
    path: path === '' ? key : `${path}.${key}`,
    live,
  });
  const names: Iterable<[key: string, name: string]> =
    shape.kind === 'object'
      ? Object.keys(shape.keys).map((key) => [key, camelCaseKey(key)])
      : [...new Set([...Object.keys(running), ...Object.keys(wanted)])].map((key) => [key, key]);
  const result: Record<string, unknown> = {};
  for (const [key, name] of names) {
    const [before, after] = [running[name], wanted[name]];
    // What a name of the user's choice stands for is there or not because of the mapping, whatever the keys below it may do.
    const comesOrGoes = shape.kind === 'record' && (before === undefined) !== (after === undefined);
    const value = comesOrGoes
      ? oneOf(before, after, decide(below(key).path, live))
      : merge(below(key), before, after, decide);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

function oneOf(running: unknown, wanted: unknown, live: boolean): unknown {
  return live ? wanted : running;
}

/** The mark of a schema or of what it wraps. */
function reloadMark(schema: AnySchema): unknown {
  for (let current: AnySchema | undefined = schema; current !== undefined; ) {
    const mark = z.globalRegistry.get(current)?.['x-reload'];
    if (mark !== undefined) return mark;
    current = current instanceof z.ZodPipe ? current.in : unwrapSchema(current);
  }
  return undefined;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

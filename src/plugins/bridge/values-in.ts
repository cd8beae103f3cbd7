// Arguments of a call as a library gets them: ordinary objects, Buffers, dates, and objects it gave before.

import { CallError } from '../rpc-router/method.ts';
import { quoted } from './bridge-error.ts';

/** First key of a map that stands for something else. */
const SPECIAL_KEY = '$rrts';

/** Levels of lists and maps. */
const MAX_DEPTH = 128;

/** How the values of one call arrived. */
export interface Arrival {
  readonly codec: 'json' | 'msgpack';
  /** The object of an id. @throws CallError ERR_BRIDGE_RELEASED. */
  readonly object: (id: number) => object;
}

/**
 * The arguments of a call. `{"$rrts":"bytes"|"date"|"int"|"object"|"map", ...}` become what they stand for.
 * @throws CallError ERR_RPC_ARGUMENT that names the path of what is wrong, and what `object` throws.
 */
export function readArguments(values: unknown, arrival: Arrival): unknown[] {
  if (values === undefined || values === null) return [];
  if (!Array.isArray(values)) throw wrong('arguments', 'must be a list');
  return values.map((value, index) => read(value, `arguments[${index}]`, 0, arrival));
}

/** The ids of objects among arguments, at any depth. For who decides where the call runs. */
export function objectIds(values: unknown, found: Set<number> = new Set(), depth = 0): Set<number> {
  if (typeof values !== 'object' || values === null || ArrayBuffer.isView(values) || depth > MAX_DEPTH) return found;
  if (!Array.isArray(values) && specialKind(values) === 'object') {
    const { id } = values as { id?: unknown };
    if (typeof id === 'number') found.add(id);
    return found;
  }
  for (const value of Object.values(values)) objectIds(value, found, depth + 1);
  return found;
}

function read(value: unknown, path: string, depth: number, arrival: Arrival): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) throw wrong(path, `is nested deeper than ${MAX_DEPTH} levels`);
  if (ArrayBuffer.isView(value)) return toBuffer(value);
  if (Array.isArray(value)) return readList(value, path, depth, arrival);
  const kind = specialKind(value);
  if (kind !== undefined) return special(kind, value as Record<string, unknown>, path, depth, arrival);
  return readEntries(Object.entries(value), path, depth, arrival);
}

/** What is no object stays as it is; long lists are mostly of such. */
function readList(list: readonly unknown[], path: string, depth: number, arrival: Arrival): unknown[] {
  return list.map((item, index) =>
    typeof item === 'object' && item !== null ? read(item, `${path}[${index}]`, depth + 1, arrival) : item,
  );
}

/** Libraries ask their options for `hasOwnProperty` and the like, so they get ordinary objects. */
function readEntries(entries: readonly [string, unknown][], path: string, depth: number, arrival: Arrival): object {
  const object: Record<string, unknown> = {};
  for (const [key, item] of entries) {
    const below = `${path}.${quoted(key)}`;
    const value = read(item, below, depth + 1, arrival);
    if (isPoison(key, value)) throw wrong(below, 'is a key that libraries take for the class of an object');
    object[key] = value;
  }
  return object;
}

/** A library that copies options deep would write into the prototype of all objects. */
function isPoison(key: string, value: unknown): boolean {
  if (key === '__proto__') return true;
  return key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}

function specialKind(value: object): string | undefined {
  for (const key in value) {
    if (key !== SPECIAL_KEY) return undefined;
    const kind = (value as Record<string, unknown>)[key];
    return typeof kind === 'string' ? kind : '';
  }
  return undefined;
}

function special(kind: string, map: Record<string, unknown>, path: string, depth: number, arrival: Arrival): unknown {
  const { value } = map;
  switch (kind) {
    case 'bytes':
      return bytes(value, path, arrival);
    case 'date':
      return date(value, path);
    case 'int':
      if (typeof value !== 'string' || !/^-?\d{1,4096}$/.test(value)) throw wrong(path, 'is no decimal integer');
      return BigInt(value);
    case 'object':
      if (!Number.isSafeInteger(map['id'])) throw wrong(path, 'is an object without an id');
      return arrival.object(map['id'] as number);
    case 'map':
      if (!Array.isArray(value) || !value.every(isEntry)) throw wrong(path, 'is a map without a list of pairs');
      return readEntries(
        value.map(([key, item]) => [String(key), item]),
        path,
        depth,
        arrival,
      );
    default:
      throw wrong(path, `has the key ${SPECIAL_KEY} with the unknown value ${quoted(kind)}`);
  }
}

function bytes(value: unknown, path: string, { codec }: Arrival): Buffer {
  if (ArrayBuffer.isView(value)) return toBuffer(value);
  if (typeof value !== 'string') throw wrong(path, 'is bytes without a value');
  return Buffer.from(value, codec === 'json' ? 'base64' : 'utf8');
}

function date(value: unknown, path: string): Date {
  const parsed = new Date(typeof value === 'string' ? value : Number.NaN);
  if (Number.isNaN(parsed.getTime())) throw wrong(path, 'is no date in the form of ISO 8601');
  return parsed;
}

function isEntry(value: unknown): value is [string | number, unknown] {
  return Array.isArray(value) && value.length === 2 && ['string', 'number'].includes(typeof value[0]);
}

function toBuffer(view: ArrayBufferView): Buffer {
  return Buffer.isBuffer(view) ? view : Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

function wrong(path: string, what: string): CallError {
  return new CallError(`${path} ${what}`, 'ERR_RPC_ARGUMENT');
}

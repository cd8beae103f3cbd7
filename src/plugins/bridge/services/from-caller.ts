// Gives a decoded argument the shape that a schema asks for: PHP has one kind of string, one kind of array and no undefined.

import { type AnySchema, defOf, takes, takesBytes, takesNull } from './schema-tree.ts';

const MARKER = '$rrts';
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const ISO_DATE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;

/** How an argument came: in JSON bytes are base64, as Go has them. */
export interface Arrived {
  readonly json: boolean;
}

/**
 * A string becomes bytes, a date or a bigint where the schema has one, a PHP list becomes a mapping where the schema has one, null becomes
 * undefined where the schema has something optional. What does not fit stays as it is: the schema then says what is wrong.
 */
export function shapeForSchema(schema: AnySchema, value: unknown, arrived: Arrived): unknown {
  const def = defOf(schema);
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
      if (value === undefined || (value === null && !takesNull(def.innerType))) return undefined;
      return shapeForSchema(def.innerType, value, arrived);
    case 'nullable':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return value === null ? null : shapeForSchema(def.innerType, value, arrived);
    case 'pipe':
      return shapeForSchema(def.in, value, arrived);
    case 'lazy':
      return shapeForSchema(def.getter(), value, arrived);
    case 'object':
      return shapeObject(def.shape, def.catchall, value, arrived);
    case 'record':
      return mapObject(value, (item) => shapeForSchema(def.valueType, item, arrived));
    case 'array':
      return Array.isArray(value) ? value.map((item) => shapeForSchema(def.element, item, arrived)) : value;
    case 'tuple':
      return shapeTuple(def.items, def.rest, value, arrived);
    case 'union':
      return shapeUnion(def.options, value, arrived);
    case 'intersection':
      return shapeForSchema(def.right, shapeForSchema(def.left, value, arrived), arrived);
    case 'date':
      return toDate(value);
    case 'bigint':
      return toBigInt(value);
    case 'custom':
      return takesBytes(schema) ? toBytes(value, arrived) : value;
    default:
      return value;
  }
}

function shapeObject(
  shape: Readonly<Record<string, AnySchema>>,
  catchall: AnySchema | undefined,
  value: unknown,
  arrived: Arrived,
): unknown {
  // A method without parameters may be called without an argument.
  return mapObject(value ?? {}, (item, key) => {
    const schema = Object.hasOwn(shape, key) ? shape[key] : catchall;
    return schema === undefined ? item : shapeForSchema(schema, item, arrived);
  });
}

/** PHP's empty array is an empty list on the wire, and so is a mapping with the keys 0, 1, 2. */
function mapObject(value: unknown, change: (item: unknown, key: string) => unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return value;
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) result[key] = change(item, key);
  return result;
}

function shapeTuple(items: readonly AnySchema[], rest: AnySchema | null, value: unknown, arrived: Arrived): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((item, index) => {
    const schema = items[index] ?? rest;
    return schema === null ? item : shapeForSchema(schema, item, arrived);
  });
}

/**
 * The first option that then takes the value: as zod itself chooses. Options that cannot take it by its kind are not tried: each one that is
 * doubles the work at every level of a schema that holds itself.
 */
function shapeUnion(options: readonly AnySchema[], value: unknown, arrived: Arrived): unknown {
  const lists = options.some((option) => LISTS.has(kindOf(option)));
  const fitting = options.filter((option) => mayTake(option, value, lists));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return shapeForSchema(only, value, arrived);
  for (const option of fitting) {
    const shaped = shapeForSchema(option, value, arrived);
    if (takes(option, shaped)) return shaped;
  }
  return value;
}

/** Whether an option is worth a try; `lists` when one of all options takes lists, so that no list has to become a mapping. */
function mayTake(option: AnySchema, value: unknown, lists: boolean): boolean {
  const kind = kindOf(option);
  if (LISTS.has(kind)) return Array.isArray(value);
  if (kind !== 'object' && kind !== 'record') return typeof value !== 'object' || !isTree(value) || !PLAIN.has(kind);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value) && value.length > 0) return !lists;
  return hasLiteralsOf(bare(option), value);
}

const LISTS: ReadonlySet<string> = new Set(['array', 'tuple', 'set']);
/** What no list and no mapping can be. */
const PLAIN: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'null', 'enum', 'literal']);

function isTree(value: object | null): boolean {
  return value !== null && !ArrayBuffer.isView(value) && !(value instanceof Date);
}

/** What tells the objects of a union apart: `{ kind: z.literal('circle') }`. */
function hasLiteralsOf(option: AnySchema, value: object): boolean {
  const def = defOf(option);
  if (def.type !== 'object') return true;
  return Object.entries(def.shape).every(([key, schema]) => {
    const property = defOf(schema);
    const there = key in value ? value[key as keyof typeof value] : undefined;
    return property.type !== 'literal' || property.values.includes(there);
  });
}

function kindOf(schema: AnySchema): string {
  return defOf(bare(schema)).type;
}

/** The schema below what only says whether it may be absent, and the like. */
function bare(schema: AnySchema): AnySchema {
  const def = defOf(schema);
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return bare(def.innerType);
    case 'pipe':
      return bare(def.in);
    case 'lazy':
      return bare(def.getter());
    default:
      return schema;
  }
}

function toDate(value: unknown): unknown {
  const text = marked(value, 'date') ?? value;
  return typeof text === 'string' && ISO_DATE.test(text) ? new Date(text) : value;
}

function toBigInt(value: unknown): unknown {
  const number = marked(value, 'int') ?? value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return BigInt(number);
  return typeof number === 'string' && /^-?\d+$/.test(number) ? BigInt(number) : value;
}

/** In MessagePack a string of valid UTF-8 came as text, and its UTF-8 is what it was. */
function toBytes(value: unknown, { json }: Arrived): unknown {
  const found = marked(value, 'bytes') ?? value;
  if (typeof found !== 'string') return found;
  if (!json) return Buffer.from(found);
  return BASE64.test(found) ? Buffer.from(found, 'base64') : value;
}

/** The value of a map that says with its key `$rrts` what it is. */
function marked(value: unknown, kind: string): unknown {
  if (typeof value !== 'object' || value === null || !(MARKER in value) || value[MARKER] !== kind) return undefined;
  return 'value' in value ? value.value : undefined;
}

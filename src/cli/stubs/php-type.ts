// The PHP type of a zod schema: what PHP itself checks, and what PHPStan reads in a doc block.

import { type AnyDef, type AnySchema, defOf, takes, takesBytes } from '../../plugins/bridge/services/schema-tree.ts';
import { phpString } from './php-names.ts';

/** Whether a value goes to the service or comes from it; `wire` is what comes before its dates are made of text. */
export type Side = 'input' | 'output' | 'wire';

/** A type as PHPStan has it. */
export type PhpType =
  /** `int`, `'webp'`, `\DateTimeInterface`; `native` is what PHP can check of it. */
  | { readonly kind: 'name'; readonly doc: string; readonly native: string }
  | { readonly kind: 'list' | 'map'; readonly item: PhpType }
  | { readonly kind: 'shape'; readonly entries: readonly ShapeEntry[]; readonly open: boolean }
  | { readonly kind: 'union'; readonly options: readonly PhpType[] };

/** One key of an array shape. */
export interface ShapeEntry {
  readonly key: string;
  readonly optional: boolean;
  readonly type: PhpType;
  readonly schema: AnySchema;
}

/** A schema that has no type in PHP; the message says where and what to write instead. */
export class UntypableError extends Error {}

export const MIXED: PhpType = named('mixed');
export const NULL: PhpType = named('null');
const NUMBER: PhpType = { kind: 'union', options: [named('int'), named('float')] };

/** A name that is its own native type, unless another one is given. */
function named(doc: string, native = doc): PhpType {
  return { kind: 'name', doc, native };
}

/**
 * The type of a schema.
 * @param path - where the schema stands, for messages.
 * @param above - the objects that hold this one: a schema that holds itself has no end and is `mixed` from there on.
 * @throws UntypableError for functions, classes and other things that no codec carries.
 */
export function phpTypeOf(schema: AnySchema, side: Side, path: string, above: readonly AnySchema[] = []): PhpType {
  const def = defOf(schema);
  const inner = (below: AnySchema): PhpType => phpTypeOf(below, side, path, above);
  switch (def.type) {
    case 'string':
    case 'template_literal':
      return named('string');
    case 'number':
      return isInteger(def) ? named('int') : NUMBER;
    case 'bigint':
    case 'boolean':
      return named(def.type === 'bigint' ? 'int' : 'bool');
    case 'date':
      if (side === 'wire') return named('string');
      return named(side === 'input' ? '\\DateTimeInterface' : '\\DateTimeImmutable');
    case 'null':
    case 'undefined':
    case 'void':
      return NULL;
    case 'any':
    case 'unknown':
    case 'transform':
      return MIXED;
    case 'custom':
      return takesBytes(schema) ? named('string') : customType(schema, path);
    case 'literal':
      return unionOf(def.values.map((value) => literalType(value, path)));
    case 'enum':
      return unionOf(enumValues(def.entries).map((value) => literalType(value, path)));
    case 'optional':
    case 'nullable':
      return unionOf([inner(def.innerType), NULL]);
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return inner(def.innerType);
    case 'pipe':
      return inner(side === 'input' ? pipeInput(def) : def.out);
    default:
      return composedType(schema, def, side, path, above);
  }
}

function composedType(schema: AnySchema, def: AnyDef, side: Side, path: string, above: readonly AnySchema[]): PhpType {
  if (above.includes(schema)) return MIXED;
  const inside = [...above, schema];
  const at = (below: AnySchema, key: string): PhpType => phpTypeOf(below, side, `${path}.${key}`, inside);
  switch (def.type) {
    case 'lazy':
      return phpTypeOf(def.getter(), side, path, inside);
    case 'array':
      return { kind: 'list', item: at(def.element, '*') };
    case 'set':
      if (side !== 'input') return { kind: 'list', item: at(def.valueType, '*') };
      break;
    case 'map':
      if (side !== 'input') return { kind: 'map', item: at(def.valueType, '*') };
      break;
    case 'record':
      return recordType(schema, def, side, path, inside);
    case 'tuple':
      return shapeOf(
        def.items.map((item, index) => [String(index), item]),
        side,
        at,
        def.rest !== null,
      );
    case 'object':
      return shapeOf(Object.entries(def.shape), side, at, isOpen(def.catchall));
    case 'union':
      return unionType(def.options, side, (option) => phpTypeOf(option, side, path, inside));
    case 'intersection': {
      const [left, right] = [phpTypeOf(def.left, side, path, inside), phpTypeOf(def.right, side, path, inside)];
      return intersectionOf(left, right);
    }
  }
  throw new UntypableError(`${path}: a z.${def.type} cannot come from or go to PHP; write a schema of plain values`);
}

/** A date beside something else comes back as text: what is a date there cannot be told. */
function unionType(options: readonly AnySchema[], side: Side, typeOf: (option: AnySchema) => PhpType): PhpType {
  const others = options.filter((option) => defOf(option).type !== 'null');
  const text = side !== 'input' && others.length > 1;
  return unionOf(options.map((option) => (text && defOf(option).type === 'date' ? named('string') : typeOf(option))));
}

function shapeOf(
  members: readonly (readonly [string, AnySchema])[],
  side: Side,
  at: (schema: AnySchema, key: string) => PhpType,
  open: boolean,
): PhpType {
  const entries = members.map(([key, schema]): ShapeEntry => {
    const optional = mayBeAbsent(schema, side);
    return { key, optional, type: optional ? at(withoutOptional(schema), key) : at(schema, key), schema };
  });
  return { kind: 'shape', entries, open };
}

function recordType(
  schema: AnySchema,
  def: Extract<AnyDef, { type: 'record' }>,
  side: Side,
  path: string,
  above: readonly AnySchema[],
): PhpType {
  const keys = defOf(def.keyType);
  const item = phpTypeOf(def.valueType, side, `${path}.*`, above);
  if (keys.type !== 'enum') return { kind: 'map', item };
  const optional = takes(schema, {});
  const entries = enumValues(keys.entries).map((key) => ({
    key: String(key),
    optional,
    type: item,
    schema: def.valueType,
  }));
  return { kind: 'shape', entries, open: false };
}

/** Whether a key of an object may be left out. */
export function mayBeAbsent(schema: AnySchema, side: Side): boolean {
  if (side !== 'input') return schema._zod.optout === 'optional';
  const def = defOf(schema);
  // `optional`, or `defaulted` in newer ones. What z.preprocess makes of nothing is not known: its second schema counts.
  return def.type === 'pipe' ? mayBeAbsent(pipeInput(def), side) : schema._zod.optin !== undefined;
}

/** An optional key of a shape is absent, not null. */
export function withoutOptional(schema: AnySchema): AnySchema {
  const def = defOf(schema);
  return def.type === 'optional' ? withoutOptional(def.innerType) : schema;
}

/** What a value is that is there and not null. */
export function bareSchema(schema: AnySchema): AnySchema {
  const def = defOf(schema);
  return def.type === 'optional' || def.type === 'nullable' ? bareSchema(def.innerType) : schema;
}

/** `z.preprocess` takes anything and says with its second schema what it is meant to be. */
function pipeInput(def: Extract<AnyDef, { type: 'pipe' }>): AnySchema {
  return defOf(def.in).type === 'transform' ? def.out : def.in;
}

function isOpen(catchall: AnySchema | undefined): boolean {
  return catchall !== undefined && defOf(catchall).type !== 'never';
}

function isInteger(def: Extract<AnyDef, { type: 'number' }>): boolean {
  const formats = [def, ...(def.checks ?? []).map((check) => check._zod.def)];
  return formats.some((one) => 'format' in one && /int/.test(String(one.format)));
}

function customType(schema: AnySchema, path: string): PhpType {
  if (takes(schema, 'text') || takes(schema, 1) || takes(schema, {})) return MIXED;
  throw new UntypableError(
    `${path}: a value of this class cannot come from or go to PHP; write a schema of plain values`,
  );
}

function literalType(value: unknown, path: string): PhpType {
  switch (typeof value) {
    case 'string':
      return named(phpString(value), 'string');
    case 'boolean':
      return named(String(value), 'bool');
    case 'number':
    case 'bigint':
      return named(String(value), Number.isInteger(Number(value)) ? 'int' : 'float');
    default:
      if (value === null || value === undefined) return NULL;
      throw new UntypableError(`${path}: a literal of the type ${typeof value} cannot come from or go to PHP`);
  }
}

/** An enum of TypeScript has its names as values of its numbers too. */
function enumValues(entries: Readonly<Record<string, string | number>>): (string | number)[] {
  const numbers = new Set(Object.values(entries).filter((value) => typeof value === 'number'));
  return Object.entries(entries).flatMap(([key, value]) => (numbers.has(Number(key)) ? [] : [value]));
}

/** One type of several, each once; null last. */
export function unionOf(types: readonly PhpType[]): PhpType {
  const flat = types.flatMap((type) => (type.kind === 'union' ? type.options : [type]));
  if (flat.some((type) => type.kind === 'name' && type.doc === 'mixed')) return MIXED;
  const byDoc = new Map(flat.map((type) => [JSON.stringify(keyOf(type)), type]));
  const isNull = (type: PhpType): boolean => type.kind === 'name' && type.doc === 'null';
  const options = [...byDoc.values()].sort((a, b) => Number(isNull(a)) - Number(isNull(b)));
  const [first] = options;
  return options.length === 1 && first !== undefined ? first : { kind: 'union', options };
}

/** What tells two types apart: without their schemas. */
function keyOf(type: PhpType): unknown {
  switch (type.kind) {
    case 'name':
      return type.doc;
    case 'list':
    case 'map':
      return [type.kind, keyOf(type.item)];
    case 'union':
      return type.options.map(keyOf);
    case 'shape':
      return [type.open, ...type.entries.map(({ key, optional, type: below }) => [key, optional, keyOf(below)])];
  }
}

function intersectionOf(left: PhpType, right: PhpType): PhpType {
  if (left.kind !== 'shape' || right.kind !== 'shape')
    return left.kind === 'name' && left.doc === 'mixed' ? right : left;
  const own = left.entries.filter(({ key }) => !right.entries.some((entry) => entry.key === key));
  return { kind: 'shape', entries: [...own, ...right.entries], open: left.open && right.open };
}

// The one place where snake_case YAML keys become camelCase names.

import { z } from 'zod';
import { unwrapSchema } from './schema-wrapper.ts';

type CamelKey<Key> = Key extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelKey<Tail> & string>}` : Key;

/** `T` with its declared keys in camelCase, at every depth. Maps whose keys the user chose (`env`, `headers`) keep them. */
export type CamelCased<T> = T extends readonly (infer Item)[]
  ? CamelCased<Item>[]
  : T extends object
    ? string extends keyof T
      ? { [Key in keyof T]: CamelCased<T[Key]> }
      : { [Key in keyof T as CamelKey<Key>]: CamelCased<T[Key]> }
    : T;

/**
 * The value that `schema` parsed, with its declared keys in camelCase. The schema is walked beside the value, because
 * only it tells a declared key from one the user chose: `env: { MY_KEY: ... }` must stay as it is.
 */
export function camelCased<Schema extends z.ZodType>(
  schema: Schema,
  value: z.output<Schema>,
): CamelCased<z.output<Schema>> {
  return convert(schema, value) as CamelCased<z.output<Schema>>;
}

/** `num_workers` as `numWorkers`. */
export function camelCaseKey(key: string): string {
  return key.replace(/_+(.)/g, (_, letter: string) => letter.toUpperCase());
}

function convert(schema: z.core.$ZodType, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (schema instanceof z.ZodObject) return convertObject(schema, value);
  if (schema instanceof z.ZodRecord) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, convert(schema.def.valueType, item)]));
  }
  if (schema instanceof z.ZodArray)
    return Array.isArray(value) ? value.map((item) => convert(schema.element, item)) : value;
  if (schema instanceof z.ZodUnion) return convert(optionFor(schema.options, value), value);
  // A transform may have returned anything: what still has the keys of its input is converted, the rest stays.
  if (schema instanceof z.ZodPipe) return convert(schema.out instanceof z.ZodTransform ? schema.in : schema.out, value);
  const inner = unwrapSchema(schema);
  return inner === undefined ? value : convert(inner, value);
}

function convertObject(schema: z.ZodObject, value: object): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const declared = schema.shape[key];
    if (declared === undefined) result[key] = item;
    else result[camelCaseKey(key)] = convert(declared, item);
  }
  return result;
}

/** The first option that has all keys of the value; objects of a union are told apart by their keys. */
function optionFor(options: readonly z.core.$ZodType[], value: object): z.core.$ZodType {
  const isList = Array.isArray(value);
  const fits = options.find((option) => {
    if (isList) return option instanceof z.ZodArray;
    return option instanceof z.ZodObject && Object.keys(value).every((key) => key in option.shape);
  });
  return fits ?? options.find((option) => option instanceof z.ZodRecord) ?? z.unknown();
}

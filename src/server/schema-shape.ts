// What a zod schema takes as input, without its wrappers: the form in which the configuration code asks about a schema.

import { z } from 'zod';
import { unwrapSchema } from '../core/schema-wrapper.ts';

type AnySchema = z.core.$ZodType;

/** The input side of a schema. `other` is what the configuration code treats as opaque. */
export type SchemaShape =
  | { readonly kind: 'object'; readonly keys: Readonly<Record<string, AnySchema>> }
  | { readonly kind: 'record'; readonly value: AnySchema }
  | { readonly kind: 'list'; readonly item: AnySchema }
  | { readonly kind: 'union'; readonly options: readonly AnySchema[] }
  | { readonly kind: 'string' | 'number' | 'boolean' | 'other' };

/** Strips optional, default, transform and the like, and says what is left. */
export function inputShape(schema: AnySchema): SchemaShape {
  const inner = unwrapSchema(schema);
  if (inner !== undefined) return inputShape(inner);
  if (schema instanceof z.ZodPipe) return inputShape(schema.in);
  if (schema instanceof z.ZodObject) return { kind: 'object', keys: schema.shape };
  if (schema instanceof z.ZodRecord) return { kind: 'record', value: schema.def.valueType };
  if (schema instanceof z.ZodArray) return { kind: 'list', item: schema.element };
  if (schema instanceof z.ZodUnion) return { kind: 'union', options: schema.options };
  if (schema instanceof z.ZodNumber) return { kind: 'number' };
  if (schema instanceof z.ZodBoolean) return { kind: 'boolean' };
  if (schema instanceof z.ZodString) return { kind: 'string' };
  return { kind: 'other' };
}

/** The keys an object schema declares below `path`; undefined where the path leads to something else. */
export function keysAt(schema: AnySchema, path: readonly PropertyKey[]): string[] | undefined {
  let current: AnySchema | undefined = schema;
  for (const key of path) {
    const shape: SchemaShape | undefined = current === undefined ? undefined : inputShape(current);
    if (shape?.kind === 'object') current = shape.keys[String(key)];
    else if (shape?.kind === 'record') current = shape.value;
    else if (shape?.kind === 'list') current = shape.item;
    else return undefined;
  }
  const shape = current === undefined ? undefined : inputShape(current);
  return shape?.kind === 'object' ? Object.keys(shape.keys) : undefined;
}

/** Every declared path of a schema, `*` standing for a key the user chooses and for the items of a list. */
export function declaredPaths(schema: AnySchema, prefix = ''): string[] {
  const shape = inputShape(schema);
  const below = (key: string, value: AnySchema): string[] => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    return [path, ...declaredPaths(value, path)];
  };
  switch (shape.kind) {
    case 'object':
      return Object.entries(shape.keys).flatMap(([key, value]) => below(key, value));
    case 'record':
      return inputShape(shape.value).kind === 'object' ? below('*', shape.value) : [];
    case 'list':
      return inputShape(shape.item).kind === 'object' ? below('*', shape.item) : [];
    case 'union':
      return shape.options.flatMap((option) => declaredPaths(option, prefix));
    default:
      return [];
  }
}

// Reads what a zod schema is made of, whichever copy of zod 4 made it: no instanceof.

import { z } from 'zod';

/** A schema of any copy of zod 4. */
export type AnySchema = z.core.$ZodType;

/** The definition of a schema, told apart by its `type`. */
export type AnyDef = z.core.$ZodTypes['_zod']['def'];

/** The definition of a schema. */
export function defOf(schema: AnySchema): AnyDef {
  return (schema as z.core.$ZodTypes)._zod.def;
}

/** True for `z.instanceof(Buffer)`, `z.instanceof(Uint8Array)` and `bytes()`: what takes a Buffer and not a text. */
export function takesBytes(schema: AnySchema): boolean {
  return defOf(schema).type === 'custom' && takes(schema, Buffer.alloc(0)) && !takes(schema, '');
}

/** Whether a value passes a schema. A check that has to wait for something counts as passed. */
export function takes(schema: AnySchema, value: unknown): boolean {
  try {
    return z.core.safeParse(schema, value).success;
  } catch {
    return true;
  }
}

/** True when null itself is a value of the schema, and not what stands for an absent one. */
export function takesNull(schema: AnySchema): boolean {
  const def = defOf(schema);
  switch (def.type) {
    case 'null':
    case 'nullable':
    case 'any':
    case 'unknown':
      return true;
    case 'literal':
      return def.values.includes(null);
    case 'union':
      return def.options.some(takesNull);
    case 'optional':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return takesNull(def.innerType);
    case 'pipe':
      return takesNull(def.in);
    case 'lazy':
      return takesNull(def.getter());
    default:
      return false;
  }
}

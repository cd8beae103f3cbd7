// What zod wraps around a schema without changing its shape.

import { z } from 'zod';

/** The schema inside an optional, default, readonly and the like; undefined for a schema that is no such wrapper. */
export function unwrapSchema(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodLazy) return schema.unwrap();
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodNonOptional ||
    schema instanceof z.ZodCatch
  ) {
    return schema.def.innerType;
  }
  return undefined;
}

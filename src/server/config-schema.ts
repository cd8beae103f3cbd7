// The configuration's JSON Schema, made from the zod schemas, and what a file means with all defaults filled in.

import { z } from 'zod';
import { type Address, formatAddress, formatDuration } from '../core/scalars.ts';
import { rootSchema } from './config.ts';

/** A part of a JSON Schema, as far as it is used here. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  minItems?: number;
  pattern?: string;
  properties?: Record<string, JsonSchema>;
  patternProperties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  propertyNames?: JsonSchema;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  'x-kind'?: string;
  'x-unit'?: string;
  'x-reload'?: string;
  [key: string]: unknown;
}

/** The schema with our `x-kind` marks still in it: for documentation and for {@link effectiveConfig}. */
export function describeConfig(): JsonSchema {
  return z.toJSONSchema(rootSchema, {
    io: 'input',
    override({ zodSchema, jsonSchema }) {
      const schema = jsonSchema as JsonSchema;
      if (zodSchema instanceof z.ZodDefault) schema.default = writtenDefault(zodSchema.def.defaultValue, schema);
      if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
      if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
      if (schema.propertyNames?.pattern === undefined) delete schema.propertyNames;
    },
  }) as JsonSchema;
}

/** The schema for editors: what is marked `x-kind` stays plain text, and any number, switch or choice may be a `${VARIABLE}`. */
export function editorSchema(): JsonSchema {
  const schema = describeConfig();
  forEditors(schema);
  const { $schema, ...rest } = schema;
  return {
    $schema,
    title: 'Configuration of rrts',
    ...rest,
    patternProperties: { '^x-': { description: 'Ignored: a place for anchors.' } },
  };
}

/** `written` with every default in its place, in the order of the schema. */
export function effectiveConfig(written: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return fill(describeConfig(), written) as Record<string, unknown>;
}

function fill(schema: JsonSchema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const given = value as Record<string, unknown>;
  if (schema.properties === undefined) {
    const item = schema.additionalProperties;
    if (typeof item !== 'object') return given;
    return Object.fromEntries(Object.entries(given).map(([key, child]) => [key, fill(item, child)]));
  }
  const result: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(schema.properties)) {
    if (given[key] !== undefined) result[key] = fill(property, given[key]);
    else if (property.default !== undefined) result[key] = fill(property, property.default);
  }
  return result;
}

/** A default as a person would write it: parsed values are milliseconds and objects. */
function writtenDefault(value: unknown, schema: JsonSchema): unknown {
  if (schema['x-kind'] === 'duration' && typeof value === 'number') return formatDuration(value);
  if (schema['x-kind'] === 'size' && typeof value === 'number') return formatSize(value);
  if (schema['x-kind'] === 'address') return formatAddress(value as Address);
  return value;
}

function formatSize(bytes: number): string | number {
  if (bytes > 0 && bytes % 1024 ** 2 === 0) return `${bytes / 1024 ** 2}mb`;
  return bytes > 0 && bytes % 1024 === 0 ? `${bytes / 1024}kb` : bytes;
}

function forEditors(schema: JsonSchema): void {
  const { type } = schema;
  if ((type === 'integer' || type === 'number' || type === 'boolean') && schema.const === undefined) {
    // `minimum` concerns numbers only and `pattern` texts only, so the two do not get in each other's way.
    schema.type = [type, 'string'];
    schema.pattern = '\\$';
  }
  delete schema['x-reload'];
  if (schema.enum !== undefined) {
    schema.anyOf = [{ enum: schema.enum }, { type: 'string', pattern: '\\$' }];
    delete schema.enum;
    delete schema.type;
    return;
  }
  delete schema['x-kind'];
  delete schema['x-unit'];
  for (const child of Object.values(schema.properties ?? {})) forEditors(child);
  if (typeof schema.additionalProperties === 'object') forEditors(schema.additionalProperties);
  if (schema.items !== undefined) forEditors(schema.items);
  for (const option of schema.anyOf ?? []) forEditors(option);
}

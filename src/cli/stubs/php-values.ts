// PHP expressions that turn dates into text on their way to a service, and text into dates on their way back.

import { type AnyDef, type AnySchema, defOf } from '../../plugins/bridge/services/schema-tree.ts';
import { phpString } from './php-names.ts';
import { bareSchema, mayBeAbsent, type Side, UntypableError } from './php-type.ts';

/** Milliseconds and the offset: what JavaScript has of a date. */
const FORMAT = "'Y-m-d\\TH:i:s.vP'";

/** A longer array is broken into lines. */
const LINE = 80;

/** The expression that converts the value of `expression`; undefined when there is no date in it. */
export function dateConversion(
  schema: AnySchema,
  side: Side,
  expression: string,
  above: readonly AnySchema[] = [],
): string | undefined {
  if (above.includes(schema)) return undefined;
  const def = defOf(schema);
  const inside = [...above, schema];
  const below = (inner: AnySchema): string | undefined => dateConversion(inner, side, expression, inside);
  switch (def.type) {
    case 'date':
      return side === 'input' ? `${expression}->format(${FORMAT})` : `new \\DateTimeImmutable(${expression})`;
    case 'nullable':
    case 'optional':
      return unlessNull(expression, below(def.innerType), side);
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return below(def.innerType);
    case 'pipe':
      return below(side === 'input' ? def.in : def.out);
    case 'lazy':
      return below(def.getter());
    case 'array':
      return mapped(def.element, side, expression, inside);
    case 'record':
      return mapped(def.valueType, side, expression, inside);
    case 'object':
      refuseOpen(def, side);
      return convertedShape(Object.entries(def.shape), side, expression, inside);
    case 'tuple':
      return convertedShape(
        def.items.map((item, index) => [index, item]),
        side,
        expression,
        inside,
      );
    case 'union':
      return side === 'input' ? unionInput(def.options, expression) : nullableOnly(def.options, expression, inside);
    default:
      return undefined;
  }
}

function unlessNull(expression: string, converted: string | undefined, side: Side): string | undefined {
  if (converted === undefined) return undefined;
  if (side === 'input' && converted === `${expression}->format(${FORMAT})`) return `${expression}?->format(${FORMAT})`;
  return `${expression} === null ? null : ${converted}`;
}

function mapped(item: AnySchema, side: Side, expression: string, above: readonly AnySchema[]): string | undefined {
  const variable = `$item${above.length > 1 ? above.length : ''}`;
  const converted = dateConversion(item, side, variable, above);
  return converted === undefined ? undefined : `\\array_map(static fn(${variable}) => ${converted}, ${expression})`;
}

/** What has no dates goes along as it is; a key that may be absent stays absent. */
function convertedShape(
  members: readonly (readonly [string | number, AnySchema])[],
  side: Side,
  expression: string,
  above: readonly AnySchema[],
): string | undefined {
  const entries = members.map(([key, schema]): Entry => {
    const index = typeof key === 'number' ? String(key) : phpString(key);
    const value = `${expression}[${index}]`;
    const optional = mayBeAbsent(schema, side);
    const converted = dateConversion(optional ? bareSchema(schema) : schema, side, value, above);
    return { index, value, optional, converted };
  });
  const converted = entries.filter((entry) => entry.converted !== undefined);
  if (converted.length === 0) return undefined;
  // Behind a spread PHPStan goes on seeing the text of a key that may be absent, so such a shape is put together from its keys.
  const parts = converted.some(({ optional }) => optional)
    ? entries.map(entryText)
    : [`...${expression}`, ...converted.map(entryText)];
  const line = `[${parts.join(', ')}]`;
  return line.length <= LINE ? line : `[\n${parts.map((part) => `    ${indented(part)},\n`).join('')}]`;
}

/** Keys that the schema does not name would be lost when the shape is put together from its keys. */
function refuseOpen(def: Extract<AnyDef, { type: 'object' }>, side: Side): void {
  const open = def.catchall !== undefined && defOf(def.catchall).type !== 'never';
  const [key] = Object.entries(def.shape).find(([, one]) => mayBeAbsent(one, side) && hasDate([one])) ?? [];
  if (open && key !== undefined) {
    throw new UntypableError(`${key}: a date that may be absent in an object with further keys; make it nullable`);
  }
}

interface Entry {
  readonly index: string;
  readonly value: string;
  readonly optional: boolean;
  readonly converted: string | undefined;
}

function entryText({ index, value, optional, converted = value }: Entry): string {
  return optional ? `...(isset(${value}) ? [${index} => ${converted}] : [])` : `${index} => ${converted}`;
}

/** The lines of an expression, the first one apart, one step deeper. */
export function indented(expression: string): string {
  return expression.replaceAll('\n', '\n    ');
}

/** One of several, and one of them is a date. */
function unionInput(options: readonly AnySchema[], expression: string): string | undefined {
  if (!hasDate(options)) return undefined;
  return `${expression} instanceof \\DateTimeInterface ? ${expression}->format(${FORMAT}) : ${expression}`;
}

/** A date or null can be told apart on the way back; a date or a text cannot, and stays text. */
function nullableOnly(
  options: readonly AnySchema[],
  expression: string,
  above: readonly AnySchema[],
): string | undefined {
  const rest = options.filter((option) => defOf(option).type !== 'null');
  const [only] = rest;
  if (only === undefined || rest.length !== 1) return undefined;
  return unlessNull(expression, dateConversion(only, 'output', expression, above), 'output');
}

/** True when one of the options of a union is a date. */
function hasDate(options: readonly AnySchema[]): boolean {
  return options.some((option) => defOf(bareSchema(option)).type === 'date');
}

// Brings a configuration tree into the form its schema wants, before the schema judges it.

import type { z } from 'zod';
import type { ConfigNode, ListNode, MapEntry, MapNode, Problem, ScalarNode } from './config-tree.ts';
import { mergeTrees, nest } from './config-tree.ts';
import { isRoadRunnerKey } from './roadrunner-keys.ts';
import { inputShape, type SchemaShape } from './schema-shape.ts';

type AnySchema = z.core.$ZodType;

/** Told of every key that is known to RoadRunner but not to rrts, and of every empty section. */
export type Warn = (problem: Problem) => void;

/**
 * Splits dotted keys (`pool.num_workers: 4` below `http:`) wherever the schema declares the keys. Keys that a user chooses,
 * such as names of variables, may have dots and stay whole.
 */
export function expandDottedKeys(schema: AnySchema | undefined, node: ConfigNode): ConfigNode {
  const shape = schema === undefined ? undefined : inputShape(schema);
  if (node.kind === 'list') {
    const item = shape?.kind === 'list' ? shape.item : undefined;
    return { ...node, items: node.items.map((child) => expandDottedKeys(item, child)) };
  }
  if (node.kind === 'scalar') return node;
  let result: MapNode = { ...node, entries: new Map() };
  for (const [key, entry] of node.entries) {
    const split = shape?.kind === 'object' && !(key in shape.keys) && key.includes('.');
    const path = split ? key.split('.') : [key];
    const child = split ? entry.node : expandDottedKeys(schemaBelow(shape, key), entry.node);
    const part = nest(path, entry.place, child);
    result = mergeTrees(result, split ? (expandDottedKeys(schema, part) as MapNode) : part);
  }
  return result;
}

/**
 * Drops keys that only RoadRunner has (with a warning) and empty ones, and turns texts into what the schema wants: "4" into 4,
 * "true" into true, "a,b" into a list, as RoadRunner's decoder does. What does not fit stays, for the schema to complain of.
 */
export function fitToSchema(schema: AnySchema, node: ConfigNode, warn: Warn, path: readonly string[] = []): ConfigNode {
  const shape = inputShape(schema);
  switch (shape.kind) {
    case 'object':
      return node.kind === 'map' ? fitObject(shape.keys, node, warn, path) : node;
    case 'record': {
      if (node.kind !== 'map') return node;
      const entries = [...node.entries].map(([key, entry]): [string, MapEntry] => {
        const child = isNothing(entry.node) ? emptyText(entry.node) : entry.node;
        return [key, { ...entry, node: fitToSchema(shape.value, child, warn, [...path, key]) }];
      });
      return { ...node, entries: new Map(entries) };
    }
    case 'list':
      return fitList(shape.item, node, warn, path);
    case 'union':
      return fitUnion(shape.options, node, warn, path);
    default:
      return node.kind === 'scalar' ? fitScalar(shape.kind, node) : node;
  }
}

function fitObject(
  keys: Readonly<Record<string, AnySchema>>,
  node: MapNode,
  warn: Warn,
  path: readonly string[],
): MapNode {
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of node.entries) {
    const below = [...path, key];
    const schema = keys[key];
    if (schema !== undefined) {
      if (!isNothing(entry.node)) entries.set(key, { ...entry, node: fitToSchema(schema, entry.node, warn, below) });
      else if (inputShape(schema).kind === 'object') {
        warn({ place: entry.place, path: below.join('.'), message: 'is empty and does nothing' });
      }
    } else if (isRoadRunnerKey(below)) {
      warn({ place: entry.place, path: below.join('.'), message: 'rrts does not have this yet; it is ignored' });
    } else if (path.length > 0 || !key.startsWith('x-')) {
      // `x-anything:` at the top is where people keep anchors for reuse.
      entries.set(key, entry);
    }
  }
  return { ...node, entries };
}

function fitList(item: AnySchema, node: ConfigNode, warn: Warn, path: readonly string[]): ConfigNode {
  const list = node.kind === 'scalar' ? splitList(node) : node;
  if (list.kind !== 'list') return list;
  const items = list.items.map((child, index) => fitToSchema(item, child, warn, [...path, String(index)]));
  return { ...list, items };
}

/** RoadRunner's decoder splits a text at commas and wraps any other single value. */
function splitList(node: ScalarNode): ConfigNode {
  if (node.value === null) return node;
  const words = typeof node.value === 'string' ? node.value.split(',').map((word) => word.trim()) : [node.value];
  const items = words.filter((word) => word !== '').map((value): ScalarNode => ({ ...node, value }));
  return { kind: 'list', place: node.place, items } satisfies ListNode;
}

function fitUnion(options: readonly AnySchema[], node: ConfigNode, warn: Warn, path: readonly string[]): ConfigNode {
  const wanted: SchemaShape['kind'][] =
    node.kind === 'map'
      ? ['object', 'record']
      : node.kind === 'list'
        ? ['list']
        : [scalarKind(node), 'number', 'boolean', 'string'];
  for (const kind of wanted) {
    const option = options.find((candidate) => inputShape(candidate).kind === kind);
    if (option === undefined) continue;
    const fitted = fitToSchema(option, node, warn, path);
    if (fitted.kind !== 'scalar' || scalarKind(fitted) === kind) return fitted;
  }
  return node;
}

function fitScalar(kind: 'string' | 'number' | 'boolean' | 'other', node: ScalarNode): ScalarNode {
  const { value } = node;
  if (kind === 'number' && typeof value === 'string' && /^[+-]?\d+(\.\d+)?$/.test(value.trim())) {
    return { ...node, value: Number(value) };
  }
  if (kind === 'boolean' && typeof value === 'string') {
    const word = value.trim().toLowerCase();
    if (word === 'true' || word === '1') return { ...node, value: true };
    if (word === 'false' || word === '0') return { ...node, value: false };
  }
  // The text as written: a password of 0123 is not 123.
  if (kind === 'string' && typeof value === 'number') return { ...node, value: node.source ?? String(value) };
  if (kind === 'string' && typeof value === 'boolean') return { ...node, value: String(value) };
  return node;
}

function schemaBelow(shape: SchemaShape | undefined, key: string): AnySchema | undefined {
  if (shape?.kind === 'object') return shape.keys[key];
  return shape?.kind === 'record' ? shape.value : undefined;
}

function scalarKind(node: ScalarNode): SchemaShape['kind'] {
  const kind = typeof node.value;
  return kind === 'string' || kind === 'number' || kind === 'boolean' ? kind : 'other';
}

function isNothing(node: ConfigNode): node is ScalarNode {
  return node.kind === 'scalar' && node.value === null;
}

function emptyText(node: ScalarNode): ScalarNode {
  return { ...node, value: '' };
}

// Turns what zod found wrong into sentences a person can act on, each with its place in the file.

import type { z } from 'zod';
import { type ConfigNode, nodeAt, type Problem, placeOfKey } from './config-tree.ts';
import { declaredPaths, keysAt } from './schema-shape.ts';
import { isSecretKey, redactText } from './secrets.ts';
import { nearest } from './suggest.ts';

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

const KIND_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping of keys',
  record: 'a mapping of keys',
  array: 'a list',
};

/** One problem per thing that is wrong; an issue with several unknown keys becomes several. */
export function explainIssues(schema: z.core.$ZodType, root: ConfigNode, issues: readonly Issue[]): Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownKey(schema, root, [...issue.path, key]));
    }
    if (issue.code === 'invalid_key') {
      // A name that the user chose, such as that of a metric: what is wrong is the key itself.
      const message = issue.issues[0]?.message ?? 'is no name that may stand here';
      return [{ place: placeOfKey(root, issue.path), path: issue.path.join('.'), message }];
    }
    const deeper = deeperIssues(issue);
    if (deeper !== undefined) return explainIssues(schema, root, deeper);
    const node = nodeAt(root, issue.path);
    const place = node === undefined ? placeOfKey(root, issue.path) : node.place;
    return [{ place, path: issue.path.join('.'), message: issue.message + origin(node) }];
  });
}

/** The error map given to zod: wording for every issue whose schema brings no message of its own. */
export function wording(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `must be ${kindName(issue.expected)}, not ${shown(issue)}`;
    case 'too_small':
      return bound(issue.origin, 'at least', issue.minimum, shown(issue));
    case 'too_big':
      return bound(issue.origin, 'at most', issue.maximum, shown(issue));
    case 'invalid_value':
      return oneOf(issue.values, issue);
    case 'invalid_union':
      if (issue.input === undefined) return 'is missing';
      return `must be ${unionKinds(issue.errors)}, not ${shown(issue)}`;
    case 'invalid_format':
      return `has the wrong form: ${shown(issue)}`;
    default:
      return undefined;
  }
}

function unknownKey(schema: z.core.$ZodType, root: ConfigNode, path: readonly PropertyKey[]): Problem {
  const key = String(path.at(-1));
  const place = placeOfKey(root, path);
  const suggestion = suggestKey(schema, path, key);
  const hint = suggestion === undefined ? '' : `, did you mean ${suggestion}?`;
  return { place, path: path.join('.'), message: `unknown key${hint}` };
}

/** A sibling that looks like the key, or else the same key in another place. */
function suggestKey(schema: z.core.$ZodType, path: readonly PropertyKey[], key: string): string | undefined {
  const sibling = nearest(key, keysAt(schema, path.slice(0, -1)) ?? []);
  if (sibling !== undefined) return sibling;
  const elsewhere = declaredPaths(schema).filter((declared) => declared.endsWith(`.${key}`));
  const parent = path.slice(0, -1).join('.');
  const near = elsewhere.find((declared) => parent !== '' && declared.startsWith(parent));
  // Every pool has the same keys; a lost one is most likely that of the front.
  return near ?? elsewhere.find((declared) => declared.startsWith('http.')) ?? elsewhere[0];
}

/** A union that failed inside one of its options (a list with a wrong item) is explained by what failed there. */
function deeperIssues(issue: Issue): Issue[] | undefined {
  if (issue.code !== 'invalid_union') return undefined;
  const option = issue.errors.find((errors) => errors.every((error) => error.path.length > 0) && errors.length > 0);
  const sameKind = option ?? issue.errors.find((errors) => errors.every((error) => error.code !== 'invalid_type'));
  if (sameKind === undefined || sameKind.length === 0) return undefined;
  return sameKind.map((error) => ({ ...error, path: [...issue.path, ...error.path] }));
}

function unionKinds(options: readonly (readonly Issue[])[]): string {
  const names = options.flatMap(([first]) => (first?.code === 'invalid_type' ? [kindName(first.expected)] : []));
  return [...new Set(names)].join(' or ') || 'something else';
}

function bound(origin: string, word: string, limit: number | bigint, got: string): string {
  if (origin === 'string') return limit === 1 ? 'must not be empty' : `must have ${word} ${limit} characters`;
  if (origin === 'array' || origin === 'set')
    return limit === 1 ? 'must not be empty' : `must have ${word} ${limit} items`;
  return `must be ${word} ${limit}, not ${got}`;
}

function oneOf(values: readonly unknown[], issue: RawIssue): string {
  if (issue.input === undefined) return 'is missing';
  const suggestion = typeof issue.input === 'string' ? nearest(issue.input, values.map(String)) : undefined;
  const list = values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;
  return `must be ${list}, not ${shown(issue)}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`;
}

function kindName(kind: string): string {
  return KIND_NAMES[kind] ?? kind;
}

/** The offending value in few words; never that of a key that looks secret. */
function shown(issue: RawIssue): string {
  const { input } = issue;
  if (input === null) return 'nothing';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a mapping';
  if (isSecretKey(String(issue.path?.at(-1) ?? ''))) return 'that';
  if (typeof input !== 'string') return String(input);
  const text = redactText(input);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

function origin(node: ConfigNode | undefined): string {
  return node?.kind === 'scalar' && typeof node.source === 'string' && node.source.includes('$')
    ? ` (from ${node.source})`
    : '';
}

// YAML (and with it JSON) text into a configuration tree, with every syntax error at its place.

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { ConfigNode, MapEntry, MapNode, Problem, ScalarNode } from './config-tree.ts';
import { emptyMap } from './config-tree.ts';

// An alias may expand to this many nodes: enough for any honest file, and a "billion laughs" file is refused at once.
const MAX_ALIAS_COUNT = 100;

/** A parsed file: its tree, or all that is wrong with its syntax. */
export type ParsedFile = { readonly tree: MapNode } | { readonly problems: readonly Problem[] };

/** Parses the text of the file called `name`. An empty file is an empty mapping. */
export function parseConfigText(name: string, text: string): ParsedFile {
  const lineCounter = new LineCounter();
  const place = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset);
    return `${name}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const problems: Problem[] = [];
  const report = (offset: number, message: string): void => {
    problems.push({ place: place(offset), path: '', message });
  };
  try {
    const document = parseDocument(text, { lineCounter, uniqueKeys: true, prettyErrors: false, merge: true });
    for (const error of [...document.errors, ...document.warnings]) report(error.pos[0], syntaxMessage(error));
    visit(document, {
      Alias(_, alias) {
        if (alias.resolve(document) === undefined)
          report(alias.range?.[0] ?? 0, `no anchor &${alias.source} stands before this`);
      },
    });
    if (problems.length > 0) return { problems };
    // Only for its check of alias expansion; the result would have no places.
    document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
    if (document.contents === null) return { tree: emptyMap(`${name}:1:1`) };
    const tree = convert(document.contents, place, (alias) => (isAlias(alias) ? alias.resolve(document) : undefined));
    if (tree.kind === 'map') return { tree };
    if (tree.kind === 'scalar' && tree.value === null) return { tree: emptyMap(`${name}:1:1`) };
    report(document.contents.range[0], 'must be a mapping of sections such as "http:"');
  } catch (thrown) {
    if (thrown instanceof RangeError) report(0, 'is nested too deeply, or an alias contains itself');
    else report(0, thrown instanceof Error ? firstLine(thrown.message) : String(thrown));
  }
  return { problems };
}

type Resolve = (alias: Node) => Node | undefined;
type PlaceOf = (offset: number) => string;

function convert(node: Node, place: PlaceOf, resolve: Resolve): ConfigNode {
  const at = place(node.range?.[0] ?? 0);
  if (isAlias(node)) {
    const target = resolve(node);
    return target === undefined ? nothing(at) : convert(target, place, resolve);
  }
  if (isMap(node)) return convertMap(node.items as readonly YamlPair[], at, place, resolve);
  if (isSeq(node)) {
    const items = node.items.map((item) => (item === null ? nothing(at) : convert(item as Node, place, resolve)));
    return { kind: 'list', place: at, items };
  }
  if (isScalar(node)) return convertScalar(node.value, node.source, at);
  return nothing(at);
}

interface YamlPair {
  readonly key: Node | null;
  readonly value: Node | null;
}

function convertMap(pairs: readonly YamlPair[], at: string, place: PlaceOf, resolve: Resolve): MapNode {
  const entries = new Map<string, MapEntry>();
  const inherited = new Map<string, MapEntry>();
  for (const { key, value } of pairs) {
    const keyPlace = place(key?.range?.[0] ?? 0);
    const name = isScalar(key) ? String(key.source ?? key.value ?? '') : String(key ?? '');
    const node = value === null ? nothing(keyPlace) : convert(value, place, resolve);
    if (name === '<<') for (const [above, entry] of mergedEntries(node)) inherited.set(above, entry);
    else entries.set(name, { place: keyPlace, node });
  }
  for (const [key, entry] of inherited) if (!entries.has(key)) entries.set(key, entry);
  return { kind: 'map', place: at, entries };
}

/** What `<<: *anchor` or `<<: [*a, *b]` brings in; earlier mappings win over later ones. */
function mergedEntries(node: ConfigNode): Map<string, MapEntry> {
  if (node.kind === 'map') return node.entries;
  if (node.kind === 'scalar') return new Map();
  return new Map([...node.items].reverse().flatMap((item) => [...mergedEntries(item)]));
}

function convertScalar(value: unknown, source: string | undefined, place: string): ScalarNode {
  if (value === null || typeof value === 'boolean' || typeof value === 'string')
    return { kind: 'scalar', place, value };
  if (typeof value !== 'number') return { kind: 'scalar', place, value: String(value) };
  return source === undefined ? { kind: 'scalar', place, value } : { kind: 'scalar', place, value, source };
}

function nothing(place: string): ScalarNode {
  return { kind: 'scalar', place, value: null };
}

function syntaxMessage(error: { code: string; message: string }): string {
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return 'this key is there twice';
    case 'TAB_AS_INDENT':
      return 'a tab is used for indentation; YAML wants spaces';
    case 'MULTIPLE_DOCS':
      return 'a second document starts here (---); only one is read';
    default:
      return firstLine(error.message);
  }
}

function firstLine(message: string): string {
  const line = (message.split('\n')[0] ?? '').replace(/:$/, '');
  return line.charAt(0).toLowerCase() + line.slice(1);
}

// The configuration between text and schema: a tree in which every key and value remembers where it was written.

/** A value with its place: `app.yaml:5:17`, or `-o` for the command line. */
export type ConfigNode = MapNode | ListNode | ScalarNode;

/** A mapping. Entries keep the order of the file. */
export interface MapNode {
  readonly kind: 'map';
  readonly place: string;
  readonly entries: Map<string, MapEntry>;
}

/** One key of a mapping; the key's own place is where an unknown key is reported. */
export interface MapEntry {
  readonly place: string;
  readonly node: ConfigNode;
}

/** A sequence. */
export interface ListNode {
  readonly kind: 'list';
  readonly place: string;
  readonly items: readonly ConfigNode[];
}

/** A text, number, boolean or nothing. */
export interface ScalarNode {
  readonly kind: 'scalar';
  readonly place: string;
  readonly value: string | number | boolean | null;
  /** As written, before variables were put in; undefined when it is the same as the value. */
  readonly source?: string;
}

/** One thing that is wrong or noteworthy. Printed as `place path: message`. */
export interface Problem {
  readonly place: string;
  /** Dotted path of the key; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** The place after a problem of the whole is sorted: file, line and column in one line of text. */
export function formatProblem({ place, path, message }: Problem): string {
  return [place, path === '' ? '' : `${path}:`, message].filter((part) => part !== '').join(' ');
}

/** An empty mapping. */
export function emptyMap(place: string): MapNode {
  return { kind: 'map', place, entries: new Map() };
}

/** `over` laid upon `base`: mappings are merged key by key, everything else is replaced. */
export function mergeTrees(base: MapNode, over: MapNode): MapNode {
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    if (below?.node.kind === 'map' && entry.node.kind === 'map') {
      entries.set(key, { place: entry.place, node: mergeTrees(below.node, entry.node) });
    } else {
      entries.set(key, entry);
    }
  }
  return { kind: 'map', place: base.place, entries };
}

/** A mapping that has `value` at `path` and nothing else. */
export function nest(path: readonly string[], place: string, value: ConfigNode): MapNode {
  const [key = '', ...rest] = path;
  const node = rest.length === 0 ? value : nest(rest, place, value);
  return { kind: 'map', place, entries: new Map([[key, { place, node }]]) };
}

/** The node at a path, if there is one. */
export function nodeAt(node: ConfigNode | undefined, path: readonly PropertyKey[]): ConfigNode | undefined {
  let current = node;
  for (const key of path) {
    if (current?.kind === 'map') current = current.entries.get(String(key))?.node;
    else if (current?.kind === 'list') current = current.items[Number(key)];
    else return undefined;
  }
  return current;
}

/** Where the key at `path` is written; for one that is not written, where the nearest key above it is. */
export function placeOfKey(root: ConfigNode, path: readonly PropertyKey[]): string {
  for (let length = path.length; length > 0; length--) {
    const parent = nodeAt(root, path.slice(0, length - 1));
    const key = path[length - 1];
    if (parent?.kind === 'map') {
      const entry = parent.entries.get(String(key));
      if (entry !== undefined) return entry.place;
    } else if (parent?.kind === 'list') {
      const item = parent.items[Number(key)];
      if (item !== undefined) return item.place;
    }
  }
  return root.place;
}

/** The tree as plain data. */
export function toPlain(node: ConfigNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toPlain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toPlain(entry.node)]));
}

/** The tree with every scalar replaced by what `change` makes of it. */
export function mapScalars(
  node: ConfigNode,
  change: (scalar: ScalarNode, path: string) => ScalarNode,
  path = '',
): ConfigNode {
  if (node.kind === 'scalar') return change(node, path);
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (node.kind === 'list') {
    return { ...node, items: node.items.map((item, index) => mapScalars(item, change, below(String(index)))) };
  }
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of node.entries) {
    entries.set(key, { place: entry.place, node: mapScalars(entry.node, change, below(key)) });
  }
  return { ...node, entries };
}

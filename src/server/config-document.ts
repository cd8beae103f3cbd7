// docs/config.md: every configuration key with its type, default and meaning, written from the schema.

import { isDeepStrictEqual } from 'node:util';
import type { JsonSchema } from './config-schema.ts';

interface Section {
  readonly path: string;
  readonly description: string | undefined;
  readonly rows: readonly string[];
}

/** The text of docs/config.md for a schema of `describeConfig`. */
export function configDocument(schema: JsonSchema): string {
  const sections = collect({ schema, path: '', description: undefined, live: false });
  return `${PREFACE}${sections.map(printSection).join('')}`;
}

const PREFACE = `# Configuration

<!-- Written by npm run schema from the schemas in src. Do not edit. -->

One file, YAML or JSON, \`.rr.yaml\` unless \`-c\` names another. Keys, defaults and meanings are RoadRunner's (version 3 of its
format); keys that only rrts has stand beside them. \`rrts config check\` tells what is wrong with a file, \`rrts config print\`
shows it with all defaults, and \`config/rrts.schema.json\` gives editors completion:

\`\`\`yaml
# yaml-language-server: $schema=node_modules/rrts/config/rrts.schema.json
version: "3"
\`\`\`

* **Durations** are Go's: \`500ms\`, \`60s\`, \`5m\`, \`1h30m\`. A number needs its unit; only 0 does without.
* **Sizes** are bytes, or \`64kb\`, \`128mb\`, \`1gb\` in powers of 1024.
* **Addresses** are \`127.0.0.1:8080\`, \`:8080\` (every interface), \`[::1]:8080\`, or \`unix:///path/to.sock\`.
* **Variables** in texts: \`$NAME\`, \`\${NAME}\`, \`\${NAME:-default}\`; the default counts when the variable is unset or empty.
  \`$$\` is a dollar sign. The environment never overrides a key by itself.
* **Overrides** on the command line: \`-o http.pool.num_workers=4\`, as often as wanted; lists are written \`a,b,c\`.
* **Dots** in keys are levels: \`http.address: :8080\` is the same as \`address\` below \`http\`.
* **Reuse**: anchors and \`<<\` work, and top-level keys that begin with \`x-\` are ignored, so anchors can live there.
* A section of RoadRunner that rrts does not have is a warning; any other unknown key is an error.
* **reload** says \`yes\` where a change is put in force by a reload; others need a restart ([deploying.md](deploying.md)).
* A section that is not in the file is off, except \`logs\` and \`endure\`, which have defaults.
`;

/** An object of the schema; `live` is what the marks above it say of reloads. */
interface Spot {
  readonly schema: JsonSchema;
  readonly path: string;
  readonly description: string | undefined;
  readonly live: boolean;
}

/** An object becomes a section of its own; its scalars become rows, its objects further sections. */
function collect({ schema, path, description, live: inherited }: Spot): Section[] {
  const rows: string[] = [];
  const below: Section[] = [];
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const keyPath = path === '' ? key : `${path}.${key}`;
    const live = isLive(property, inherited);
    const nested = nestedObject(property);
    if (nested === undefined) {
      rows.push(printRow(key, property, { required: schema.required?.includes(key) === true, live }));
    } else {
      const spot = { schema: nested.schema, path: keyPath + nested.suffix, description: property.description };
      const sections = collect({ ...spot, live: isLive(nested.schema, live) });
      const known = nested.suffix !== '' && isLikeSibling(schema, nested.schema);
      below.push(...(known ? sections.map(withoutRows).slice(0, 1) : sections));
    }
  }
  return [{ path, description, rows }, ...below];
}

function isLive(schema: JsonSchema, inherited: boolean): boolean {
  const mark = schema['x-reload'];
  return mark === undefined ? inherited : mark === 'live';
}

/** True for what has the same keys as another mapping beside it: its description says so, and one table is enough. */
function isLikeSibling(parent: JsonSchema, { properties }: JsonSchema): boolean {
  return Object.values(parent.properties ?? {}).some((other) => isDeepStrictEqual(other.properties, properties));
}

function withoutRows(section: Section): Section {
  return { ...section, rows: [] };
}

/** A mapping with declared keys, or a mapping or list of such mappings. */
function nestedObject(schema: JsonSchema): { schema: JsonSchema; suffix: string } | undefined {
  if (schema.properties !== undefined) return { schema, suffix: '' };
  const item = schema.additionalProperties;
  if (typeof item === 'object' && item.properties !== undefined) return { schema: item, suffix: '.*' };
  if (schema.items?.properties !== undefined) return { schema: schema.items, suffix: '[]' };
  return undefined;
}

function printSection({ path, description, rows }: Section): string {
  const heading = path === '' ? '\n## Top level\n' : `\n## ${path}\n`;
  const about = description === undefined ? '' : `\n${description}\n`;
  const name = path.endsWith('.*') ? '\n`*` is a name of your choice.\n' : '';
  if (rows.length === 0) return `${heading}${about}${name}`;
  return `${heading}${about}${name}\n| key | type | default | reload | meaning |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
}

function printRow(key: string, schema: JsonSchema, { required, live }: { required: boolean; live: boolean }): string {
  const meaning = schema.description ?? '';
  const cells = [
    escapePipes(typeName(schema)),
    printDefault(schema, required),
    live ? 'yes' : '',
    escapePipes(meaning),
  ];
  return `| \`${key}\` | ${cells.join(' | ')} |`;
}

function printDefault(schema: JsonSchema, required: boolean): string {
  if (required && schema.default === undefined) return '**required**';
  return schema.default === undefined ? '' : `\`${JSON.stringify(schema.default).replace(/^"(.+)"$/, '$1')}\``;
}

function typeName(schema: JsonSchema): string {
  if (schema['x-kind'] === 'size') return `size${schema['x-unit'] === 'b' ? '' : ` (number: ${schema['x-unit']})`}`;
  if (schema['x-kind'] !== undefined) return schema['x-kind'];
  if (schema.const !== undefined) return `\`"${schema.const}"\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeName).join(' or ');
  if (schema.items !== undefined) return `list of ${typeName(schema.items)}`;
  if (schema.type === 'object') return 'mapping';
  const type = Array.isArray(schema.type) ? schema.type.map(plainType).join(' or ') : plainType(schema.type ?? 'any');
  return type + range(schema);
}

function plainType(type: string): string {
  return ({ string: 'text', integer: 'whole number', boolean: 'true/false' } as Record<string, string>)[type] ?? type;
}

function range({ minimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` ${minimum} to ${maximum}`;
  return minimum === undefined ? '' : ` ≥ ${minimum}`;
}

function escapePipes(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

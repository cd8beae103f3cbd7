// From a configuration file to validated values: read, put variables in, include, override, fit, check.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { RrtsError } from '../core/errors.ts';
import type { SectionProblem } from '../plugins/plugin.ts';
import { type AnyPluginType, BUILT_IN_PLUGINS } from './built-in-plugins.ts';
import { type RootConfig, rootSchema, toRootConfig } from './config.ts';
import {
  type ConfigNode,
  emptyMap,
  formatProblem,
  type MapNode,
  mapScalars,
  mergeTrees,
  type Problem,
  placeOfKey,
  toPlain,
} from './config-tree.ts';
import { readDotenv } from './dotenv.ts';
import { explainIssues, wording } from './explain.ts';
import { expandDottedKeys, fitToSchema } from './fit-schema.ts';
import { interpolate } from './interpolate.ts';
import { OVERRIDE_PLACE, parseOverrides, withWatch } from './overrides.ts';
import { parseConfigText } from './parse-file.ts';

/** Where the configuration comes from. */
export interface ConfigSources {
  /** Path as the user gave it; errors quote it that way. */
  readonly file: string;
  /** Values of `-o`, each `key.sub=value`. */
  readonly overrides?: readonly string[];
  /** Globs of `--watch`; empty for the option alone, which turns watching on. They win over `reload.watch`. */
  readonly watch?: readonly string[] | undefined;
  /** Path of a dotenv file to read first. */
  readonly dotenv?: string | undefined;
  /** For `${VARIABLES}`. Default: none are set. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** What relative paths start from. Default: the working directory of this process. */
  readonly directory?: string;
}

/** A configuration without errors. */
export interface LoadedConfig {
  readonly config: RootConfig;
  /** What the user wrote, merged and with variables put in, in the shape of the schema; for `rrts config print`. */
  readonly written: Readonly<Record<string, unknown>>;
  /** Lines to show or log. */
  readonly warnings: readonly string[];
  /** Variables that dotenv files add to the environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Loads and checks a configuration.
 * @throws RrtsError ERR_CONFIG_NOT_FOUND, ERR_CONFIG_SYNTAX, ERR_CONFIG_INVALID or ERR_CONFIG_ENVIRONMENT. The message of
 * the middle two has one line for each problem, all of them at once.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const loading = new Loading(sources);
  const tree = loading.readAll();
  const overrides = expandDottedKeys(rootSchema, parseOverrides(sources.overrides ?? [])) as MapNode;
  const merged = withWatch(mergeTrees(tree, overrides), sources.watch);
  const versioned = loading.checkVersion(merged);
  const fitted = fitToSchema(rootSchema, versioned, (problem) => loading.warn(problem));
  const result = rootSchema.safeParse(toPlain(fitted), { error: wording });
  const problems = [...loading.problems, ...explainIssues(rootSchema, fitted, result.error?.issues ?? [])];
  problems.push(...missingSections(fitted, problems));
  if (!result.success || problems.length > 0) throw invalid('ERR_CONFIG_INVALID', problems);
  const config = toRootConfig(result.data);
  const crossing = pluginProblems(config, fitted, (type, section) => type.problems?.(section, config.plugins));
  if (crossing.length > 0) throw invalid('ERR_CONFIG_INVALID', crossing);
  const doubtful = pluginProblems(config, fitted, (type, section) => type.warnings?.(section));
  for (const problem of doubtful) loading.warn(problem);
  return {
    config,
    written: toPlain(fitted) as Record<string, unknown>,
    warnings: loading.warnings,
    environment: loading.added,
  };
}

/**
 * What the files and overrides say, with variables put in and in the shape of the schema, whatever is wrong with it: for commands that
 * need a key or two of a server that runs.
 * @throws RrtsError ERR_CONFIG_NOT_FOUND, ERR_CONFIG_SYNTAX, ERR_CONFIG_ENVIRONMENT, or ERR_CONFIG_INVALID for an override without `=`.
 */
export function loadUnchecked(sources: ConfigSources): Readonly<Record<string, unknown>> {
  const tree = new Loading(sources).readAll();
  const merged = mergeTrees(tree, expandDottedKeys(rootSchema, parseOverrides(sources.overrides ?? [])) as MapNode);
  return toPlain(fitToSchema(rootSchema, merged, () => undefined)) as Record<string, unknown>;
}

/** What is found out while the files are read. */
class Loading {
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly added: Record<string, string> = {};
  readonly #sources: ConfigSources;

  constructor(sources: ConfigSources) {
    this.#sources = sources;
    if (sources.dotenv !== undefined) this.#addDotenv(sources.dotenv);
  }

  get #environment(): Readonly<Record<string, string | undefined>> {
    return { ...this.added, ...this.#sources.environment };
  }

  warn(problem: Problem): void {
    this.warnings.push(formatProblem(problem));
  }

  /** The file and what it includes, variables put in. */
  readAll(): MapNode {
    const root = this.#readTree(this.#sources.file);
    const envfile = root.entries.get('envfile')?.node;
    if (envfile?.kind === 'scalar' && typeof envfile.value === 'string') {
      this.#addDotenv(interpolate(envfile.value, this.#environment).text, envfile.place);
    }
    const filled = this.#fill(root);
    return includedFiles(filled).reduce((tree, { path, place }) => {
      const included = this.#fill(this.#readTree(path, place));
      const nested = included.entries.get('include');
      if (nested !== undefined) {
        this.problems.push({ place: nested.place, path: 'include', message: 'an included file cannot include others' });
      }
      this.#compareVersions(filled, included, path);
      return mergeTrees(tree, withoutKey(included, 'include'));
    }, filled);
  }

  /** RoadRunner wants the text "3"; "2.7" is read as "3" with a warning. */
  checkVersion(tree: MapNode): MapNode {
    const entry = tree.entries.get('version');
    const value = entry?.node.kind === 'scalar' ? entry.node.value : undefined;
    if (value === '3') return tree;
    if (value === '2.7') {
      const message = 'is read as version "3"; keys that were renamed since then are reported as unknown';
      this.warn({ place: entry?.node.place ?? '', path: 'version', message: `"2.7" ${message}` });
    } else if (entry === undefined) {
      this.problems.push({ place: tree.place, path: 'version', message: 'is missing: write version: "3"' });
    } else {
      const message = value === 3 ? 'must be a text: write version: "3"' : 'must be "3"';
      this.problems.push({ place: entry.node.place, path: 'version', message });
    }
    const node = { kind: 'scalar', place: entry?.node.place ?? tree.place, value: '3' } as const;
    return mergeTrees(tree, { ...emptyMap(tree.place), entries: new Map([['version', { place: node.place, node }]]) });
  }

  #fill(tree: MapNode): MapNode {
    const environment = this.#environment;
    return mapScalars(tree, (scalar, path) => {
      if (typeof scalar.value !== 'string' || !scalar.value.includes('$')) return scalar;
      const { text, unset, fault } = interpolate(scalar.value, environment);
      if (fault !== undefined) this.problems.push({ place: scalar.place, path, message: fault });
      for (const name of unset) {
        const message = `$${name} is not set, so it is empty; \${${name}:-something} gives it a default`;
        this.warn({ place: scalar.place, path, message });
      }
      return { ...scalar, value: text, source: scalar.value };
    }) as MapNode;
  }

  #addDotenv(path: string, place?: string): void {
    Object.assign(this.added, readDotenv(path, this.#environment, place, this.#sources.directory));
  }

  #readTree(path: string, place?: string): MapNode {
    const parsed = parseConfigText(path, readText(path, place, this.#sources.directory));
    if ('problems' in parsed) throw invalid('ERR_CONFIG_SYNTAX', parsed.problems);
    return expandDottedKeys(rootSchema, parsed.tree) as MapNode;
  }

  #compareVersions(root: MapNode, included: MapNode, path: string): void {
    const [wanted, got] = [root, included].map((tree) => {
      const node = tree.entries.get('version')?.node;
      return node?.kind === 'scalar' ? node.value : undefined;
    });
    // A root without one gets its version from -o; then there is nothing to compare with.
    if (got === wanted || (wanted === undefined && got === '3')) return;
    const place = placeOfKey(included, ['version']);
    const message =
      got === undefined ? `is missing in the included file ${path}` : 'differs from that of the main file';
    this.problems.push({ place, path: 'version', message });
  }
}

function readText(path: string, place: string | undefined, directory = '.'): string {
  try {
    return readFileSync(resolve(directory, path), 'utf8');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    const reasons: Record<string, string> = {
      ENOENT: 'does not exist',
      EACCES: 'may not be read by this user',
      EISDIR: 'is a directory',
    };
    throw new RrtsError(
      'ERR_CONFIG_NOT_FOUND',
      `the file ${path} ${reasons[String(code)] ?? `cannot be read: ${code}`}`,
      {
        ...(place === undefined ? {} : { place }),
        cure: place === undefined ? 'Name another with -c, or start from config/app.yaml of this package.' : '',
        cause: thrown,
      },
    );
  }
}

function includedFiles(tree: MapNode): { path: string; place: string }[] {
  const node = tree.entries.get('include')?.node;
  const items: readonly ConfigNode[] = node?.kind === 'list' ? node.items : node === undefined ? [] : [node];
  return items.flatMap((item) => {
    return item.kind === 'scalar' && typeof item.value === 'string' ? [{ path: item.value, place: item.place }] : [];
  });
}

function withoutKey(tree: MapNode, key: string): MapNode {
  return { ...tree, entries: new Map([...tree.entries].filter(([name]) => name !== key)) };
}

/** What no single section can say of itself. */
function missingSections(root: ConfigNode, problems: readonly Problem[]): Problem[] {
  if (root.kind !== 'map' || problems.some((problem) => problem.path === 'http' || problem.path === 'server'))
    return [];
  if (!root.entries.has('http') || root.entries.has('server')) return [];
  const message = 'is missing: write the command that starts a worker, such as "php worker.php"';
  return [{ place: placeOfKey(root, ['http']), path: 'server.command', message }];
}

/** What the plugins make of their sections. */
function pluginProblems(
  config: RootConfig,
  root: ConfigNode,
  find: (type: AnyPluginType, section: unknown) => readonly SectionProblem[] | undefined,
): Problem[] {
  return BUILT_IN_PLUGINS.flatMap((type) => {
    const section = config.plugins.get(type.name);
    const found = section === undefined ? [] : (find(type, section) ?? []);
    return found.map(({ path, message }) => {
      const whole = [type.name, ...path];
      return { place: placeOfKey(root, whole), path: whole.join('.'), message };
    });
  });
}

function invalid(code: 'ERR_CONFIG_SYNTAX' | 'ERR_CONFIG_INVALID', problems: readonly Problem[]): RrtsError {
  const lines = [...problems].sort(byPlace).map(formatProblem);
  return new RrtsError(code, lines.join('\n'), { facts: { problems: lines } });
}

/** In the order of the file; what came from the command line last. */
function byPlace(a: Problem, b: Problem): number {
  if (a.place === OVERRIDE_PLACE || b.place === OVERRIDE_PLACE)
    return a.place === b.place ? 0 : a.place === OVERRIDE_PLACE ? 1 : -1;
  return a.place.localeCompare(b.place, 'en', { numeric: true });
}

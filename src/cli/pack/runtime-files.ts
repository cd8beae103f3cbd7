// rrts itself in the package of a function: the compiled program and the packages that it needs to run events.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RrtsError } from '../../core/errors.ts';
import { BUNDLE_FILE, bundle } from './bundle.ts';
import { filesBelow, type PackageFile, packageFile, textFile } from './package-files.ts';

/** Folder of rrts in the package. */
export const RUNTIME_FOLDER = 'rrts';

/** Packages that only commands for people load. */
const FOR_PEOPLE: ReadonlySet<string> = new Set(['cli-table3', 'log-update', 'yazl']);

/** It looks for this one when the log is not JSON. */
const BESIDE_BUNDLE = 'pino-pretty';

/** Drivers of `kv`, `lock` and `jobs` whose package is optional. */
const OPTIONAL: Readonly<Record<string, string>> = {
  redis: 'ioredis',
  lmdb: 'lmdb',
  boltdb: 'lmdb',
  amqp: 'rabbitmq-client',
};

/** What Node does not read. */
const NEVER_READ = /\.(?:d\.[cm]?ts|[cm]?ts|map|md|markdown|flow|tsbuildinfo)$/;
/** Folders of a package that are for those who work on it. */
const FOR_DEVELOPERS = /^(?:\.github|\.nyc_output|benchmarks?|docs?|examples?|tests?|__tests__|node_modules)$/;

/** rrts in a package. */
export interface Runtime {
  readonly files: readonly PackageFile[];
  /** The file that Node starts, below the folder of the function. */
  readonly program: string;
}

/** What of rrts a function needs. */
export interface RuntimeWishes {
  /** Names of drivers in the configuration. */
  readonly drivers: ReadonlySet<string>;
  /** One file in place of many, where that can be. */
  readonly bundled: boolean;
}

/**
 * The program and its packages, below {@link RUNTIME_FOLDER}.
 * @throws RrtsError ERR_LAMBDA_PACK
 */
export async function runtimeFiles({ drivers, bundled }: RuntimeWishes): Promise<Runtime> {
  const root = packageRoot();
  if (!existsSync(join(root, 'dist/cli/main.js'))) {
    throw new RrtsError('ERR_LAMBDA_PACK', `rrts in ${root} is not compiled`, { cure: 'Run npm run build there.' });
  }
  const manifest = packageFile(`${RUNTIME_FOLDER}/package.json`, join(root, 'package.json'));
  const optional = [...new Set([...drivers].flatMap((driver) => OPTIONAL[driver] ?? []))];
  const text = bundled ? await bundle(root) : undefined;
  if (text !== undefined) {
    const program = `${RUNTIME_FOLDER}/${BUNDLE_FILE}`;
    return { program, files: [manifest, textFile(program, text), ...packages(root, [BESIDE_BUNDLE, ...optional])] };
  }
  const dist = filesBelow(join(root, 'dist'), `${RUNTIME_FOLDER}/dist/`, (path) => !NEVER_READ.test(path));
  const needed = Object.keys(manifestOf(root).dependencies ?? {}).filter((name) => !FOR_PEOPLE.has(name));
  const files = [manifest, ...dist, ...packages(root, [...needed, ...optional])];
  return { program: `${RUNTIME_FOLDER}/dist/cli/main.js`, files };
}

function packages(root: string, names: readonly string[]): PackageFile[] {
  return dependencies(root, names).flatMap(({ folder, name }) =>
    filesBelow(folder, `${name}/`, (path) => !NEVER_READ.test(path) && !FOR_DEVELOPERS.test(path)),
  );
}

interface Dependency {
  readonly folder: string;
  /** Its folder in the zip. */
  readonly name: string;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Packages with all that they need, each once, at the place in the zip where Node finds it. */
function dependencies(root: string, names: readonly string[]): Dependency[] {
  const found = new Map<string, Dependency>([[root, { folder: root, name: RUNTIME_FOLDER }]]);
  const visit = (owner: string): void => {
    const wishes = owner === root ? names.map((name) => ({ name, needed: true })) : wishesOf(owner);
    for (const { name, needed } of wishes) {
      const folder = resolvePackage(name, owner);
      if (folder === undefined && needed) throw missing(name, owner);
      if (folder === undefined || found.has(folder)) continue;
      found.set(folder, { folder, name: `${placeOf(folder, name, found)}/node_modules/${name}` });
      visit(folder);
    }
  };
  visit(root);
  found.delete(root);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function wishesOf(folder: string): { name: string; needed: boolean }[] {
  const { dependencies = {}, optionalDependencies = {} } = manifestOf(folder);
  const optional = Object.keys(optionalDependencies);
  const needed = Object.keys(dependencies).filter((name) => !optional.includes(name));
  return [...needed.map((name) => ({ name, needed: true })), ...optional.map((name) => ({ name, needed: false }))];
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** As Node looks for a package: beside the one that asks, and in every folder above. */
function resolvePackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Where the package stands that has this one in its own node_modules; those that stand higher go to the top. */
function placeOf(folder: string, name: string, found: ReadonlyMap<string, Dependency>): string {
  const owner = folder.slice(0, -`/node_modules/${name}`.length);
  return found.get(owner)?.name ?? RUNTIME_FOLDER;
}

/** The folder of the package rrts: this file is two folders below `dist` or `src`. */
function packageRoot(): string {
  return join(dirname(fileURLToPath(import.meta.url)), '../../..');
}

function missing(name: string, owner: string): RrtsError {
  return new RrtsError('ERR_LAMBDA_PACK', `the package ${name}, which ${owner} needs, is not installed`, {
    cure: 'Run npm install.',
  });
}

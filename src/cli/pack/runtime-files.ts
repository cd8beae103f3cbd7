// rrts itself in the package of a function: the compiled program and the packages that it needs to run events.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RrtsError } from '../../core/errors.ts';
import { filesBelow, type PackageFile, packageFile } from './package-files.ts';

/** Folder of rrts in the package. */
export const RUNTIME_FOLDER = 'rrts';

/** Packages that only commands for people load. */
const FOR_PEOPLE: ReadonlySet<string> = new Set(['cli-table3', 'log-update', 'yazl']);

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

/** The program and its packages, below {@link RUNTIME_FOLDER}. @param drivers - names of drivers in the configuration. */
export function runtimeFiles(drivers: ReadonlySet<string>): PackageFile[] {
  const root = packageRoot();
  if (!existsSync(join(root, 'dist/cli/main.js'))) {
    throw new RrtsError('ERR_LAMBDA_PACK', `rrts in ${root} is not compiled`, { cure: 'Run npm run build there.' });
  }
  const wanted = (path: string): boolean => !NEVER_READ.test(path);
  return [
    packageFile(`${RUNTIME_FOLDER}/package.json`, join(root, 'package.json')),
    ...filesBelow(join(root, 'dist'), `${RUNTIME_FOLDER}/dist/`, wanted),
    ...dependencies(root, drivers).flatMap(({ folder, name }) =>
      filesBelow(folder, `${name}/`, (path) => wanted(path) && !FOR_DEVELOPERS.test(path)),
    ),
  ];
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

/** All packages that the program needs, each once, at the place in the zip where Node finds it. */
function dependencies(root: string, drivers: ReadonlySet<string>): Dependency[] {
  const optional = new Set([...drivers].flatMap((driver) => OPTIONAL[driver] ?? []));
  const found = new Map<string, Dependency>([[root, { folder: root, name: RUNTIME_FOLDER }]]);
  const visit = (owner: string): void => {
    for (const { name, needed } of wishesOf(owner, owner === root ? optional : undefined)) {
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

/** @param optional - of the optional packages only these, which are needed then; undefined for all that are installed. */
function wishesOf(folder: string, optional: ReadonlySet<string> | undefined): { name: string; needed: boolean }[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const maybe = Object.keys(manifest.optionalDependencies ?? {});
  const own = Object.keys(manifest.dependencies ?? {}).filter((name) => !maybe.includes(name));
  const wanted = optional === undefined ? maybe : maybe.filter((name) => optional.has(name));
  return [
    ...own.filter((name) => optional === undefined || !FOR_PEOPLE.has(name)).map((name) => ({ name, needed: true })),
    ...wanted.map((name) => ({ name, needed: optional !== undefined })),
  ];
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

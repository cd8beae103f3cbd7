// Loads what the configuration names: an npm package, a module of Node, or a file of the application.

import { statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { extname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Jiti } from 'jiti';
import { messageOf, RrtsError } from '../../core/errors.ts';

/** Tried, in this order, for a file that is named without its extension. */
const EXTENSIONS: readonly string[] = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** Longest time that a module may take to load; one with an endless `await` at its top must not hold up the start for ever. */
const LOAD_TIMEOUT_MS = 30_000;

/** Our own index file, of the sources or of the build, as this file is. */
const OWN_INDEX = new URL(`../../index${extname(import.meta.url)}`, import.meta.url);

/** Where a module is: a `file:` URL, or the name of a module of Node. */
export interface Location {
  readonly url: string;
  /** Path of the file; undefined for a module of Node. */
  readonly path: string | undefined;
}

/**
 * The exports of a module, as `import()` gives them. `specifier` is an npm package, `node:os`, or a path that begins with `./`, `../` or
 * `/`; it is looked up from `directory`, the application's. TypeScript needs no build; `rrts` in it means this very server.
 * @throws RrtsError ERR_BRIDGE_MODULE: it cannot be found, it throws while it loads, or it does not end loading within 30 s.
 */
export async function loadModule(specifier: string, directory: string): Promise<unknown> {
  const location = await locateModule(specifier, directory);
  const late = new AbortController();
  const tooLate = pause(LOAD_TIMEOUT_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`it has not ended loading within ${LOAD_TIMEOUT_MS / 1000} s`);
  });
  tooLate.catch(() => undefined);
  try {
    return await Promise.race([importFrom(location, directory), tooLate]);
  } catch (error) {
    throw cannotLoad(specifier, directory, error);
  } finally {
    late.abort();
  }
}

/** Where `specifier` leads to from `directory`. @throws RrtsError ERR_BRIDGE_MODULE when it leads nowhere. */
export async function locateModule(specifier: string, directory: string): Promise<Location> {
  if (isBuiltin(specifier)) return { url: specifier, path: undefined };
  const path = isPath(specifier) ? findFile(specifier, directory) : await findPackage(specifier, directory);
  return { url: pathToFileURL(path).href, path };
}

function isPath(specifier: string): boolean {
  return /^(\.{0,2}\/|\.{1,2}$)/.test(specifier);
}

function findFile(specifier: string, directory: string): string {
  const path = resolve(directory, specifier);
  const tried = extname(path) === '' ? EXTENSIONS.map((extension) => path + extension) : [path];
  const found = tried.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
  if (found !== undefined) return found;
  throw new RrtsError('ERR_BRIDGE_MODULE', `the file ${specifier} does not exist; tried ${tried.join(', ')}`, {
    cure: `Paths are relative to the working directory, ${directory}.`,
  });
}

async function findPackage(specifier: string, directory: string): Promise<string> {
  try {
    return createRequire(join(directory, 'index.js')).resolve(specifier);
  } catch (error) {
    // A package that has no entry for require(), only one for import.
    if (codeOf(error) === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
      const found = (await makeJiti(directory, {})).esmResolve(specifier, { try: true });
      if (found !== undefined) return found.startsWith('file:') ? new URL(found).pathname : found;
    }
    throw new RrtsError('ERR_BRIDGE_MODULE', `the package ${specifier} cannot be found from ${directory}`, {
      cure: `Run npm install ${packageName(specifier)} in ${directory}.`,
      cause: error,
    });
  }
}

async function importFrom({ url, path }: Location, directory: string): Promise<unknown> {
  if (path !== undefined && /\.[cm]?tsx?$/.test(path)) return importTypeScript(path, directory);
  try {
    return await import(url);
  } catch (error) {
    // A server that is installed elsewhere: `rrts` is not below the application, but here it is.
    if (path === undefined || !/Cannot find package 'rrts'/.test(messageOf(error))) throw error;
    return importTypeScript(path, directory);
  }
}

async function importTypeScript(path: string, directory: string): Promise<unknown> {
  const jiti = await makeJiti(directory, { rrts: await import(OWN_INDEX.href) });
  return jiti.import(path);
}

/** Without a cache on disk: one below the temporary directory could be filled by somebody else. */
async function makeJiti(directory: string, virtualModules: Record<string, unknown>): Promise<Jiti> {
  const { createJiti } = await import('jiti');
  return createJiti(join(directory, 'index.js'), { fsCache: false, interopDefault: false, virtualModules });
}

function cannotLoad(specifier: string, directory: string, error: unknown): RrtsError {
  const [, missing] = /Cannot find (?:package|module) '([^'./][^']*)'/.exec(messageOf(error)) ?? [];
  const place = error instanceof Error ? (syntaxPlace(error) ?? firstPlace(error.stack)) : undefined;
  const what = messageOf(error)
    .split('\n', 1)[0]
    ?.replace(/^ParseError: /, '')
    .trim();
  return new RrtsError('ERR_BRIDGE_MODULE', `${specifier} cannot be loaded: ${what}`, {
    ...(missing === undefined ? {} : { cure: `Run npm install ${packageName(missing)} in ${directory}.` }),
    ...(place === undefined ? {} : { place }),
    cause: error,
  });
}

/** File and line of a mistake in the text of a file: the loader of TypeScript has them in its message, Node in front of its own. */
function syntaxPlace(error: Error): string | undefined {
  return /^\s*(?:file:\/\/)?(\/[^\n]+?:\d+(?::\d+)?)\s*$/m.exec(`${error.message}\n${error.stack}`)?.[1];
}

/** File and line where it was thrown, without what Node and the loader have on top. */
function firstPlace(stack: string | undefined): string | undefined {
  for (const [, place] of (stack ?? '').matchAll(/(?:\(|at )(?:file:\/\/)?(\/[^()\n]+:\d+):\d+\)?$/gm)) {
    if (place !== undefined && !place.includes('/jiti/')) return place;
  }
  return undefined;
}

/** `@scope/name/part` as `@scope/name`. */
function packageName(specifier: string): string {
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

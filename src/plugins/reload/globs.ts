// Which files count and which directories have to be looked into, by globs.

import { isAbsolute, join, relative, resolve } from 'node:path';
import picomatch from 'picomatch';

type Test = (path: string) => boolean;

/** Globs from one directory. Paths are absolute. */
export class Globs {
  /** Directories to watch: that of the globs, and those that a glob names outside of it. */
  readonly roots: readonly string[];
  readonly #directory: string;
  readonly #matches: Test;
  readonly #ignores: Test;
  readonly #ways: readonly Test[];

  /** A glob that names a directory means all below it. */
  constructor(directory: string, watch: readonly string[], ignore: readonly string[]) {
    this.#directory = directory;
    const globs = watch.map((glob) => this.#fromDirectory(glob));
    this.#matches = picomatch(globs.flatMap(withContents), { dot: true });
    this.#ignores = picomatch(ignore.map((glob) => this.#fromDirectory(glob)).flatMap(withContents), { dot: true });
    this.#ways = globs.map(wayOf);
    const outside = globs.filter((glob) => glob.startsWith('../')).map((glob) => picomatch.scan(glob).base);
    this.roots = [...new Set([directory, ...outside.map((base) => resolve(directory, base))])];
  }

  /** True for a file whose change counts. */
  matches(path: string): boolean {
    const name = relative(this.#directory, path);
    return this.#matches(name) && !this.#ignores(name);
  }

  /** True for a file or directory that is not looked at, with all below it. */
  ignores(path: string): boolean {
    return this.#ignores(relative(this.#directory, path));
  }

  /** True for a directory below which there may be a file that counts. */
  leadsOn(path: string): boolean {
    if (this.roots.includes(path)) return true;
    const name = relative(this.#directory, path);
    return !this.#ignores(name) && this.#ways.some((way) => way(name));
  }

  #fromDirectory(glob: string): string {
    const trimmed = glob.replace(/\/+$/, '') || '/';
    const path = isAbsolute(trimmed) ? relative(this.#directory, trimmed) : join(trimmed);
    return path === '' || path === '.' ? '**' : path;
  }
}

function withContents(glob: string): string[] {
  return [glob, `${glob}/**`];
}

/** Compares a directory with a glob segment by segment, as far as the shorter of the two goes. */
function wayOf(glob: string): Test {
  // A brace with a slash in it is no list of segments.
  if (/[{(][^})]*\//.test(glob)) return () => true;
  const segments = glob.split('/').map((segment) => (segment === '**' ? undefined : picomatch(segment, { dot: true })));
  return (directory) => {
    for (const [index, name] of directory.split('/').entries()) {
      if (index >= segments.length) return true; // below what the glob names
      const segment = segments[index];
      if (segment === undefined) return true;
      // `picomatch` gives no dots their special meaning here.
      if (!segment(name) && name !== glob.split('/')[index]) return false;
    }
    return true;
  };
}

// Symbolic links in a watched tree: followed where they lead to something new, so that a loop of links has an end.

import { realpathSync, statSync } from 'node:fs';
import { sep } from 'node:path';
import type { Globs } from './globs.ts';

/** The links of one watch. */
export class Links {
  readonly #globs: Globs;
  readonly #roots: readonly string[];
  /** Directories that links lead to, each with the link by which it is watched. */
  readonly #targets = new Map<string, string>();

  constructor(globs: Globs) {
    this.#globs = globs;
    this.#roots = globs.roots.flatMap((root) => realPath(root) ?? []);
  }

  /** True for a link to a file that counts, or to a directory that is watched by no other path. */
  follows(link: string): boolean {
    const target = realPath(link);
    if (target === undefined) return false;
    if (!statSync(target, { throwIfNoEntry: false })?.isDirectory()) return this.#globs.matches(link);
    if (!this.#globs.leadsOn(link) || this.#roots.some((root) => overlap(root, target))) return false;
    const known = this.#targets.get(target);
    if (known === undefined) this.#targets.set(target, link);
    return known === undefined || known === link;
  }
}

/** One is the other, or above it. */
function overlap(a: string, b: string): boolean {
  return a === b || `${a}${sep}`.startsWith(`${b}${sep}`) || `${b}${sep}`.startsWith(`${a}${sep}`);
}

/** Undefined for a link that leads nowhere, or round in a circle. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

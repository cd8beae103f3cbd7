// What of a module PHP may call: the patterns of `allow`, parsed once.

/** Names that nobody may call, whatever a configuration says: each leads to what an object is made of, and from there to everything. */
const NEVER: ReadonlySet<string> = new Set([
  '__proto__',
  'prototype',
  'constructor',
  '__defineGetter__',
  '__defineSetter__',
  '__lookupGetter__',
  '__lookupSetter__',
]);

/** What all objects and functions inherit is nothing that a library gave them. */
const INHERITED: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...Object.getOwnPropertyNames(Function.prototype),
]);

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** The patterns of one kind: names, or `*` for all of them. */
class Names {
  readonly #names = new Set<string>();
  #all = false;

  add(name: string): void {
    if (name === '*') this.#all = true;
    else this.#names.add(name);
  }

  get isEmpty(): boolean {
    return !this.#all && this.#names.size === 0;
  }

  get listed(): readonly string[] {
    return [...this.#names];
  }

  /** `*` means neither names that begin with _, which a library keeps for itself, nor a way of several names. */
  has(name: string): boolean {
    if (this.#names.has(name)) return true;
    return this.#all && !name.startsWith('_') && !name.includes('.') && !NEVER.has(name);
  }
}

/** What may be called. Exports are named as PHP does, `a.b` for one in an object; the module itself is the empty name. */
export class AllowList {
  readonly #exports = new Names();
  readonly #classes = new Names();
  readonly #members = new Names();

  /** @throws Error for a wrong pattern; {@link patternProblem} says before what is wrong with it. */
  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) {
      const problem = patternProblem(pattern);
      if (problem !== undefined) throw new Error(`${pattern}: ${problem}`);
      const text = pattern.trim();
      const [, className] = /^new(?:\s+(.*))?$/.exec(text) ?? [];
      if (/^new(\s|$)/.test(text)) this.#classes.add(exportName(className ?? ''));
      else if (text.startsWith('.')) this.#members.add(text.slice(1));
      else this.#exports.add(exportName(text));
    }
  }

  /** Exports that are listed by name, those that are made with `new` included; '' is the module itself. */
  get exports(): readonly string[] {
    return [...new Set([...this.#exports.listed, ...this.#classes.listed])];
  }

  /** Whether an object with a `then` that is no Promise is an object to PHP, which calls `then()` to wait for it. */
  get keepsThenables(): boolean {
    return this.#members.listed.includes('then');
  }

  /** Whether objects that the module gives are of any use to PHP. */
  get givesObjects(): boolean {
    return !this.#members.isEmpty;
  }

  mayCall(name: string): boolean {
    return this.#exports.has(name);
  }

  mayConstruct(name: string): boolean {
    return this.#classes.has(name);
  }

  /** Method or property of an object that the module gave. */
  mayUse(name: string): boolean {
    return this.#members.has(name);
  }
}

/** True for a name that no pattern can allow. */
export function isNeverAllowed(name: string): boolean {
  return name.split('.').some((part) => NEVER.has(part));
}

/** True for a name that every object or function has by itself. */
export function isInherited(name: string): boolean {
  return INHERITED.has(name);
}

/** `()` and `default`, as people write the module itself, as the empty name. */
export function exportName(text: string): string {
  return text === '()' || text === 'default' ? '' : text;
}

/** What is wrong with a pattern, in one sentence; undefined when it is right. */
export function patternProblem(pattern: string): string | undefined {
  const text = pattern.trim();
  if (text === '') return "is empty: write '()' for the module itself, or the name of an export";
  const path = text.replace(/^new\s+/, '');
  if (['()', '*', '.*', 'new'].includes(text) || ['()', '*'].includes(path)) return undefined;
  if (path.endsWith('()')) return `has parentheses: write '${text.slice(0, -2)}'`;
  if (text.startsWith('new ') && path.startsWith('.')) return 'mixes new and a method: write one of them';
  const isMember = text.startsWith('.');
  const names = (isMember ? text.slice(1) : path).split('.');
  if (isMember && names.length > 1) return `has several names after the point: write '.${names.at(-1)}'`;
  if (names.includes('*')) return "has * beside other names: it stands alone, as '*', '.*' or 'new *'";
  const wrong = names.find((name) => !NAME.test(name));
  if (wrong !== undefined)
    return "is no pattern: write '()', 'name', 'a.b', 'new Name', '.method', '*', '.*' or 'new *'";
  const never = names.find((name) => NEVER.has(name));
  return never === undefined ? undefined : `can never be allowed: ${never} leads out of the module`;
}

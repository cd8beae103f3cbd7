// What a loaded module offers, whichever way it was written: CommonJS, ES module, or one compiled into the other.

import { isObject, propertyNames, readProperty } from './properties.ts';

/** An export, and the object it is a method of. */
export interface Export {
  readonly value: unknown;
  readonly owner: unknown;
}

/** Names that a suggestion looks through. */
const MAX_NAMES = 200;

/** The exports of one module. */
export class ModuleExports {
  /** Where exports are looked for, in this order. */
  readonly #scopes: readonly object[];
  readonly #itself: Export | undefined;

  /** `namespace` is what `import()` gave; `name` the package, for those whose main function is an export of that name. */
  constructor(namespace: unknown, name: string) {
    const layers = layersOf(namespace);
    this.#scopes = layers.filter(isObject);
    const callable = layers.find((layer) => typeof layer === 'function');
    this.#itself =
      callable !== undefined ? { value: callable, owner: undefined } : this.#functionNamed(name.replace(/^.*\//, ''));
  }

  /** The module itself for the empty name, or an export; `a.b` leads through objects. Undefined where it leads nowhere. */
  find(path: string): Export | undefined {
    if (path === '') return this.#itself;
    const [first = '', ...further] = path.split('.');
    for (const scope of this.#scopes) {
      const found = readProperty(scope, first);
      if (found !== undefined) return follow({ value: found.value, owner: scope }, further);
    }
    return undefined;
  }

  /** Names of exports, for suggestions. */
  names(): string[] {
    return [...new Set(this.#scopes.flatMap((scope) => propertyNames(scope, MAX_NAMES)))];
  }

  #functionNamed(name: string): Export | undefined {
    const found = this.find(name);
    return typeof found?.value === 'function' ? found : undefined;
  }
}

/**
 * The namespace; `module.exports` or the default export; and the `default` in that, where a compiler put it there. A CommonJS function
 * arrives as the default of a namespace, one compiled from an ES module as the default of the default.
 */
function layersOf(namespace: unknown): unknown[] {
  const layers = [namespace];
  const outer = isObject(namespace) ? readProperty(namespace, 'default')?.value : undefined;
  if (outer === undefined) return layers;
  layers.push(outer);
  const isCompiled = isObject(outer) && readProperty(outer, '__esModule')?.value === true;
  const inner = isCompiled ? readProperty(outer, 'default')?.value : undefined;
  if (inner !== undefined) layers.push(inner);
  return layers;
}

function follow(start: Export, path: readonly string[]): Export | undefined {
  let { value, owner } = start;
  for (const name of path) {
    const found = isObject(value) ? readProperty(value, name) : undefined;
    if (found === undefined) return undefined;
    owner = value;
    value = found.value;
  }
  return { value, owner };
}

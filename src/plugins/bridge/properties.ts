// Reads properties of objects that a library gave, without ever reaching what all objects have.

import { types } from 'node:util';

/**
 * The value of a property that the object or a class of it has, but not Object.prototype or Function.prototype. Undefined where there is none.
 * Getters run with the object as `this`; what they throw comes out.
 */
export function readProperty(target: object, name: string): { readonly value: unknown } | undefined {
  for (let level: object | null = target; level !== null && !isRoot(level); level = Object.getPrototypeOf(level)) {
    const descriptor = Object.getOwnPropertyDescriptor(level, name);
    if (descriptor !== undefined) return { value: Reflect.get(target, name) };
  }
  return types.isProxy(target) ? readThroughProxy(target, name) : undefined;
}

/** Names that {@link readProperty} would find, at most `limit` of them: for suggestions. */
export function propertyNames(target: object, limit: number): string[] {
  const names = new Set<string>();
  for (let level: object | null = target; level !== null && !isRoot(level); level = Object.getPrototypeOf(level)) {
    for (const name of Object.getOwnPropertyNames(level)) {
      if (names.size >= limit) return [...names];
      names.add(name);
    }
  }
  return [...names];
}

/** True for what has properties. */
export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** A client may be a proxy that makes up its methods when they are asked for. */
function readThroughProxy(target: object, name: string): { readonly value: unknown } | undefined {
  const value: unknown = Reflect.get(target, name);
  if (value === undefined || value === Reflect.get(Object.prototype, name)) return undefined;
  return value === Reflect.get(Function.prototype, name) ? undefined : { value };
}

function isRoot(level: object): boolean {
  return level === Object.prototype || level === Function.prototype;
}

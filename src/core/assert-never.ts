// Ends a switch over a union so that the compiler proves it exhaustive.

/** Throws; reached only when a value outside its type got in. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value: ${String(value)}`);
}

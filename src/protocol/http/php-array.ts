// A PHP array as far as form fields need it: ordered, integer keys, next free index.

/** A value in a tree of form fields or uploads: an array, or a leaf `T`. */
export type PhpValue<T> = PhpArray<T> | T;

const MAX_INTEGER = 9_223_372_036_854_775_807n;
const MIN_INTEGER = -9_223_372_036_854_775_808n;

/** Ordered map with PHP's keys. A string that is a decimal integer is an integer key and moves the next free index. */
export class PhpArray<T> {
  readonly entries = new Map<string, PhpValue<T>>();
  // undefined: no integer key yet, so the first free index is 0. Since PHP 8.2 it may follow a negative one.
  #last: bigint | undefined;

  get(key: string): PhpValue<T> | undefined {
    return this.entries.get(key);
  }

  set(key: string, value: PhpValue<T>): void {
    this.entries.set(key, value);
    const index = integerKey(key);
    if (index !== undefined && (this.#last === undefined || index > this.#last)) this.#last = index;
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  /** The key that `[]` gets; undefined when the largest integer is taken, in which case PHP drops the field. */
  nextKey(): string | undefined {
    if (this.#last === undefined) return '0';
    return this.#last === MAX_INTEGER ? undefined : String(this.#last + 1n);
  }

  /** True when the keys are 0, 1, 2 ... in this order: then json_encode writes a list. */
  get isList(): boolean {
    let expected = 0;
    for (const key of this.entries.keys()) {
      if (key !== String(expected++)) return false;
    }
    return true;
  }
}

/**
 * JSON that json_decode($json, true) turns into the same PHP array, in the same order. JSON.stringify cannot: objects of
 * JavaScript put integer keys first. `leaf` writes a leaf, `text` makes text of a key.
 */
export function phpArrayToJson<T>(
  array: PhpArray<T>,
  leaf: (value: T) => string,
  text: (key: string) => string,
): string {
  const list = array.isList && array.entries.size > 0;
  const parts: string[] = [];
  for (const [key, value] of array.entries) {
    const json = value instanceof PhpArray ? phpArrayToJson(value, leaf, text) : leaf(value);
    parts.push(list ? json : `${JSON.stringify(text(key))}:${json}`);
  }
  return list ? `[${parts.join(',')}]` : `{${parts.join(',')}}`;
}

function integerKey(key: string): bigint | undefined {
  if (key.length > 20 || !/^(?:0|-?[1-9][0-9]*)$/.test(key)) return undefined;
  const value = BigInt(key);
  return value < MIN_INTEGER || value > MAX_INTEGER ? undefined : value;
}

// The one place where snake_case YAML keys become camelCase names.

type CamelKey<Key> = Key extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelKey<Tail> & string>}` : Key;

/** `T` with its declared keys in camelCase, at every depth. Maps whose keys the user chose (`env`, `headers`) keep them. */
export type CamelCased<T> = T extends readonly (infer Item)[]
  ? CamelCased<Item>[]
  : T extends object
    ? string extends keyof T
      ? { [Key in keyof T]: CamelCased<T[Key]> }
      : { [Key in keyof T as CamelKey<Key>]: CamelCased<T[Key]> }
    : T;

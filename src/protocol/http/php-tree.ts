// Form fields and uploads as PHP's nested arrays.

import { bytesToText } from './bytes-text.ts';
import { type FormName, parseFormName } from './form-name.ts';
import type { FormField, Upload } from './head.ts';
import { PhpArray, type PhpValue, phpArrayToJson } from './php-array.ts';

/** PHP's max_input_vars: fields beyond it are dropped. */
export const MAX_INPUT_VARS = 1000;

/** PHP's max_input_nesting_level: a field nested deeper is dropped, together with what its first key held. */
export const MAX_NESTING = 64;

/** What became of a list of fields. */
export interface PhpTree<T> {
  readonly root: PhpArray<T>;
  /** True when there were more than {@link MAX_INPUT_VARS} and the rest was dropped. */
  readonly truncated: boolean;
}

/** `$_POST` of these fields. Keys and values are byte strings. A later scalar replaces an earlier one or an array, and the other way round. */
export function fieldsToTree(fields: readonly FormField[]): PhpTree<string> {
  const root = new PhpArray<string>();
  const count = Math.min(fields.length, MAX_INPUT_VARS);
  for (let index = 0; index < count; index++) {
    const field = fields[index] as FormField;
    insert(root, parseFormName(field.name), field.value);
  }
  return { root, truncated: fields.length > MAX_INPUT_VARS };
}

/** Uploads under the names of their fields, in RoadRunner's order of nesting: `files[a][]` gives `{files: {a: [upload]}}`. */
export function uploadsToTree(uploads: readonly Upload[]): PhpTree<Upload> {
  const root = new PhpArray<Upload>();
  for (const upload of uploads.slice(0, MAX_INPUT_VARS)) {
    insert(root, parseFormName(upload.field), upload);
  }
  return { root, truncated: uploads.length > MAX_INPUT_VARS };
}

/** The tree of fields as JSON text; empty when there is no field. */
export function fieldTreeToJson(tree: PhpTree<string>): string {
  if (tree.root.entries.size === 0) return '';
  return phpArrayToJson(tree.root, (value) => JSON.stringify(bytesToText(value)), bytesToText);
}

/** The tree of uploads as JSON text, each upload as RoadRunner writes it: `{name, mime, size, error, tmpName}`. */
export function uploadTreeToJson(tree: PhpTree<Upload>): string {
  return phpArrayToJson(tree.root, uploadToJson, bytesToText);
}

function uploadToJson(upload: Upload): string {
  return JSON.stringify({
    name: bytesToText(upload.name),
    mime: bytesToText(upload.mime),
    size: upload.size,
    error: upload.error,
    tmpName: upload.temporaryPath,
  });
}

function insert<T>(root: PhpArray<T>, name: FormName | undefined, value: T): void {
  if (name === undefined) return;
  if (name.path.length > MAX_NESTING) {
    root.delete(name.first);
    return;
  }
  let array = root;
  let key: string | undefined = name.first;
  for (const next of name.path) {
    if (key === undefined) key = array.nextKey();
    if (key === undefined) return;
    array = descend(array, key);
    key = next;
  }
  key ??= array.nextKey();
  if (key === undefined) return;
  if (name.dropped) descend(array, key);
  else array.set(key, value);
}

function descend<T>(array: PhpArray<T>, key: string): PhpArray<T> {
  const held: PhpValue<T> | undefined = array.get(key);
  if (held instanceof PhpArray) return held;
  const inner = new PhpArray<T>();
  array.set(key, inner);
  return inner;
}

// PHP's rules for the names of form fields: `a.b[c][]` becomes $_POST['a_b']['c'][].

/** Where a field goes. `undefined` in `path` stands for `[]`, the next free index. */
export interface FormName {
  /** Key in the outermost array. */
  readonly first: string;
  readonly path: readonly (string | undefined)[];
  /** True when the arrays are made, but the value is dropped. */
  readonly dropped: boolean;
}

/**
 * Takes a field name apart as php_register_variable_ex (main/php_variables.c) does; names are byte strings.
 *
 * - It is a C string: it ends at the first NUL. Leading spaces are skipped.
 * - Up to the first `[`, spaces and dots become underscores. Nothing before it: the field is dropped.
 * - An unclosed first `[` becomes an underscore, and so do all spaces, dots and brackets after it. A later unclosed `[` ends the name.
 * - `[]`, also with one white space in it, appends. What follows a `]` and is not a `[` is dropped: `a[b]c` is `a[b]`.
 *   RoadRunner makes a key of it; we give what the same application sees under FPM.
 * - No key may begin with `__Host-` or `__Secure-` unless the name itself does: browsers guard cookies of such names, and
 *   `..Host-x` must not pass for one. PHP finds this key by key, so the arrays around such a key are made.
 *
 * @returns undefined when PHP drops the field.
 */
export function parseFormName(name: string): FormName | undefined {
  const text = untilNul(name).replace(/^ +/, '');
  const open = text.indexOf('[');
  const start = open < 0 ? text : text.slice(0, open);
  if (start === '') return undefined;
  const closed = open < 0 || closing(text, open) >= 0;
  const first = closed ? start.replace(/[ .]/g, '_') : text.replace(/[ .[]/g, '_');
  if (isForged(first, text)) return undefined;
  const path = open >= 0 && closed ? parsePath(text, open) : [];
  const forged = path.findIndex((key) => key !== undefined && isForged(key, text));
  return forged < 0 ? { first, path, dropped: false } : { first, path: path.slice(0, forged), dropped: true };
}

function parsePath(text: string, firstOpen: number): (string | undefined)[] {
  const path: (string | undefined)[] = [];
  let open = firstOpen;
  while (text[open] === '[') {
    const close = closing(text, open);
    if (close < 0) return path;
    const key = text.slice(open + 1, close);
    path.push(/^[ \t\n\v\f\r]?$/.test(key) ? undefined : key);
    open = close + 1;
  }
  return path;
}

// A white space right after `[` cannot itself be the end, so PHP looks for `]` behind it; the result is the same.
function closing(text: string, open: number): number {
  return text.indexOf(']', open + 1);
}

function untilNul(name: string): string {
  const nul = name.indexOf('\0');
  return nul < 0 ? name : name.slice(0, nul);
}

function isForged(key: string, name: string): boolean {
  return ['__Host-', '__Secure-'].some((prefix) => key.startsWith(prefix) && !name.startsWith(prefix));
}

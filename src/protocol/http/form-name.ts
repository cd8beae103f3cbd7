// PHP's rules for the names of form fields: `a.b[c][]` becomes $_POST['a_b']['c'][].

/** Where a field goes. `undefined` in `path` stands for `[]`, the next free index. */
export interface FormName {
  /** Key in the outermost array. */
  readonly first: string;
  readonly path: readonly (string | undefined)[];
}

/**
 * Takes a field name apart as php_register_variable_ex (main/php_variables.c) does; names are byte strings.
 *
 * - It is a C string: it ends at the first NUL. Leading spaces are skipped.
 * - Up to the first `[`, spaces and dots become underscores. Nothing before it: the field is dropped.
 * - An unclosed first `[` becomes an underscore, and so do all spaces, dots and brackets after it. A later unclosed `[` ends the name.
 * - `[]`, also with one white space in it, appends. What follows a `]` and is not a `[` is dropped: `a[b]c` is `a[b]`.
 *   RoadRunner makes a key of it; we give what the same application sees under FPM.
 * - A name that only becomes `__Host-` or `__Secure-` by these underscores is dropped.
 *
 * @returns undefined when PHP drops the field.
 */
export function parseFormName(name: string): FormName | undefined {
  const text = untilNul(name).replace(/^ +/, '');
  const open = text.indexOf('[');
  const start = open < 0 ? text : text.slice(0, open);
  if (start === '') return undefined;
  const first = start.replace(/[ .]/g, '_');
  if (isForgedPrefix(first) && !isForgedPrefix(start)) return undefined;
  if (open < 0) return { first, path: [] };
  if (closing(text, open) < 0) return { first: text.replace(/[ .[]/g, '_'), path: [] };
  return { first, path: parsePath(text, open) };
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

function isForgedPrefix(name: string): boolean {
  return name.startsWith('__Host-') || name.startsWith('__Secure-');
}

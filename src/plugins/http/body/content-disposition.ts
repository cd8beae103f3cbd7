// Content-Disposition of a multipart part: field name and file name.

import { BodyError } from './body-error.ts';
import { MAX_NAME_BYTES } from './limits.ts';

/** What a part is; byte strings. `fileName` is undefined for a part that is not a file. */
export interface PartNames {
  readonly field: string;
  /** Without directories; empty when the user chose no file. */
  readonly fileName: string | undefined;
}

/**
 * Reads the value of a Content-Disposition header (one byte per character).
 *
 * `filename*` (RFC 8187) wins over `filename`, as in Go. A file is a part with either, as in PHP; its media type does not matter.
 * @returns undefined for a part that is no form data or has no name: PHP passes over it.
 * @throws BodyError 400 when it is not well formed or the name is too long.
 */
export function parseDisposition(value: string): PartNames | undefined {
  const type = /^\s*([^;\s]*)\s*/.exec(value) as RegExpExecArray;
  if (type[1]?.toLowerCase() !== 'form-data') return undefined;
  const parameters = parseParameters(value.slice(type[0].length));
  const field = parameters.get('name');
  if (field === undefined || field === '') return undefined;
  if (field.length > MAX_NAME_BYTES) {
    throw new BodyError(400, `the multipart body has a field name of more than ${MAX_NAME_BYTES} bytes`);
  }
  const extended = parameters.get('filename*');
  const fileName = extended === undefined ? parameters.get('filename') : decodeExtended(extended);
  return { field, fileName: fileName === undefined ? undefined : baseName(fileName) };
}

/**
 * The last part of a path of any system, as PHP keeps it: `../../x` and `C:\dir\x` are `x`. It ends at the first NUL, or the
 * extension that is checked here would not be the one that PHP sees. `.` and `..` are no names.
 */
export function baseName(path: string): string {
  const text = path.split('\0', 1)[0] as string;
  const name = text.slice(Math.max(text.lastIndexOf('/'), text.lastIndexOf('\\')) + 1);
  return name === '.' || name === '..' ? '' : name;
}

// `; name=value` or `; name="value"`, where PHP knows two escapes: \" and \\. Other backslashes stand for themselves,
// because Internet Explorer sent paths. No two alternatives match the same text: the time is linear.
const PARAMETER = /;\s*([^\s;="]+)\s*=\s*(?:"((?:\\["\\]|\\(?!["\\])|[^"\\])*)"|([^\s;"]*))\s*/y;

function parseParameters(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  let at = 0;
  while (at < text.length && !/^[;\s]*$/.test(text.slice(at))) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(text);
    if (match === null) throw new BodyError(400, 'the multipart body has a malformed Content-Disposition header');
    const name = (match[1] as string).toLowerCase();
    // The first of equal names counts, so that nobody can hide one behind another.
    if (!parameters.has(name)) parameters.set(name, match[2]?.replace(/\\(["\\])/g, '$1') ?? match[3] ?? '');
    at = PARAMETER.lastIndex;
  }
  return parameters;
}

// charset'language'percent-encoded. latin1 becomes UTF-8, which is what applications expect; bytes of charsets that
// nobody uses here (UTF-7) stay as they are and mean nothing special to anyone.
function decodeExtended(value: string): string {
  const match = /^([^']*)'[^']*'(.*)$/s.exec(value);
  if (match === null) return value;
  const bytes = (match[2] as string).replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const latin1 = /^iso-8859-1$/i.test(match[1] as string);
  return latin1 ? Buffer.from(bytes, 'utf8').toString('latin1') : bytes;
}

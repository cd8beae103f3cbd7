// Request bodies for the tests: forms written by hand, so that names and order are exactly what a test says.

/** One part of a multipart body. A part with `filename` is a file. */
export interface Part {
  readonly name: string;
  readonly value: string | Buffer;
  readonly filename?: string;
  readonly type?: string;
}

const BOUNDARY = 'rrts-test-boundary-7f3a';

/** The content type that goes with {@link multipart}. */
export const MULTIPART = `multipart/form-data; boundary=${BOUNDARY}`;

/** A multipart body. */
export function multipart(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(({ name, value, filename, type }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`;
    const kind = type === undefined ? '' : `\r\nContent-Type: ${type}`;
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}${kind}\r\n\r\n`;
    return [Buffer.from(head), Buffer.from(value), Buffer.from('\r\n')];
  });
  return Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

/** The form of RoadRunner's own tests: duplicate scalars, lists, nesting, a malformed tail, an empty value. */
export const FORM_PAIRS: readonly (readonly [string, string])[] = [
  ['key', 'other'],
  ['key', 'value'],
  ['name[]', 'name1'],
  ['name[]', 'name2'],
  ['name[]', 'name3'],
  ['arr[x][y][z]', 'y'],
  ['arr[x][y][e]', 'f'],
  ['arr[c]p', 'l'],
  ['arr[c]z', ''],
];

/** The same in urlencoded form. */
export function urlencoded(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
}

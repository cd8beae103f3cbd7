// The multipart form of the upload case.

/** Size of the file in the form. */
export const UPLOAD_BYTES = 1024 * 1024;

const BOUNDARY = 'rrts-benchmark-boundary';

/** Content-Type of the form. */
export const UPLOAD_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** The form as bytes: a text field and a file whose bytes hold every value, line ends included. */
export function uploadBody(): Buffer {
  const file = Buffer.alloc(UPLOAD_BYTES, Buffer.from(Array.from({ length: 256 }, (_, value) => value)));
  const part = (head: string): string => `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n`;
  return Buffer.concat([
    Buffer.from(`${part('name="title"')}\r\na title\r\n`),
    Buffer.from(`${part('name="file"; filename="file.bin"')}Content-Type: application/octet-stream\r\n\r\n`),
    file,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}

// Certificates for a test, made by openssl: an authority, and what it has signed for 127.0.0.1.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const OPENSSL_MS = 30_000;
const NEW = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

/** PEM files. */
export interface Certificates {
  /** Of the authority. */
  readonly ca: string;
  /** Of a server on 127.0.0.1; without that of the authority. */
  readonly cert: string;
  readonly key: string;
}

/** Writes them into a folder, under names that begin with `name`. */
export async function makeCertificates(dir: string, name: string): Promise<Certificates> {
  const file = (end: string): string => join(dir, `${name}-${end}.pem`);
  const make = (...words: string[]) => promisify(execFile)('openssl', [...NEW, ...words], { timeout: OPENSSL_MS });
  const authority = ['-subj', `/CN=${name}`, '-keyout', file('ca-key'), '-out', file('ca')];
  await make(...authority);
  const server = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', file('key')];
  const signed = ['-CA', file('ca'), '-CAkey', file('ca-key'), '-addext', 'basicConstraints=critical,CA:FALSE'];
  await make(...server, ...signed, '-out', file('cert'));
  return { ca: file('ca'), cert: file('cert'), key: file('key') };
}

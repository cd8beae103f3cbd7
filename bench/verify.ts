// Looks at one answer of each server before it is measured.

import type { BenchCase } from './cases.ts';
import { WrongAnswer } from './load.ts';
import { UPLOAD_TYPE, uploadBody } from './upload.ts';

const TIMEOUT_MS = 30_000;
const WORKERS_ASKED = 8;

/**
 * Several in a row, so that each worker has answered once.
 * @throws WrongAnswer unless each has status 200 and the body of the case
 */
export async function verify(url: string, bench: BenchCase, signal: AbortSignal): Promise<void> {
  for (let turn = 0; turn < WORKERS_ASKED; turn++) {
    const response = await request(url, bench, signal);
    const body = await response.text();
    if (response.status === 200 && bench.expect(body)) continue;
    throw new WrongAnswer(`${url} answered ${response.status}: ${body.slice(0, 300)}`);
  }
}

async function request(url: string, bench: BenchCase, signal: AbortSignal): Promise<Response> {
  const limited = { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) };
  try {
    if (!bench.upload) return await fetch(url, limited);
    const body = new Uint8Array(uploadBody());
    return await fetch(url, { ...limited, method: 'POST', headers: { 'content-type': UPLOAD_TYPE }, body });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new WrongAnswer(`${url} did not answer: ${(error as Error).cause ?? error}`);
  }
}

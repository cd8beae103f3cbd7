// One measurement: wrk against one server.

import { execa } from 'execa';
import type { Options } from './options.ts';
import { UPLOAD_TYPE } from './upload.ts';

/** What one run of wrk found. */
export interface Sample {
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Requests answered. */
  readonly requests: number;
}

/** What wrk is to do. */
export interface Load {
  readonly url: string;
  readonly seconds: number;
  /** File with the body of a POST; a GET without it. */
  readonly bodyFile: string | undefined;
  readonly script: string;
}

interface Counted {
  readonly requests: number;
  readonly microseconds: number;
  readonly status: number;
  readonly connect: number;
  readonly read: number;
  readonly write: number;
  readonly timeout: number;
  readonly p50: number;
  readonly p99: number;
}

/** An answer was wrong, or none came: the figures would mean nothing. */
export class WrongAnswer extends Error {}

/** @throws WrongAnswer when wrk counted a status that is not 2xx, or an error of a connection. */
export async function measure(load: Load, options: Options, signal: AbortSignal): Promise<Sample> {
  const { threads, connections } = options;
  const flags = [`-t${threads}`, `-c${connections}`, `-d${load.seconds}s`, '--timeout', '10s', '-s', load.script];
  const post = load.bodyFile === undefined ? [] : ['--', load.bodyFile, UPLOAD_TYPE];
  const { all } = await execa('wrk', [...flags, load.url, ...post], { cancelSignal: signal, all: true, reject: false });
  signal.throwIfAborted();
  const line = all.split('\n').find((text) => text.startsWith('RESULT '));
  if (line === undefined) throw new WrongAnswer(`${load.url}: wrk printed no result:\n${all}`);
  const counted = JSON.parse(line.slice('RESULT '.length)) as Counted;
  refuseErrors(counted, load.url);
  return {
    requestsPerSecond: counted.requests / (counted.microseconds / 1e6),
    p50: counted.p50 / 1000,
    p99: counted.p99 / 1000,
    requests: counted.requests,
  };
}

function refuseErrors(counted: Counted, url: string): void {
  const kinds = ['status', 'connect', 'read', 'write', 'timeout'] as const;
  const found = kinds.filter((kind) => counted[kind] > 0).map((kind) => `${counted[kind]} ${kind}`);
  if (found.length > 0) throw new WrongAnswer(`${url}: wrk counted errors: ${found.join(', ')}`);
  if (counted.requests === 0) throw new WrongAnswer(`${url}: no request was answered`);
}

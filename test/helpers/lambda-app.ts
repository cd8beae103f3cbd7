// The application of the tests of rrts lambda, started with an emulator, and what its jobs have seen.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type Answered, type LambdaRuntime, lambdaEvent, startLambda } from './lambda-runtime.ts';
import { fixture } from './paths.ts';
import { type ConfigTree, mergeConfig, type ServerProcess } from './start-server.ts';
import { makeTempDir } from './temp-dir.ts';

/** A job as the worker got it. */
export interface SeenJob {
  readonly id: string;
  readonly job: string;
  readonly headers: Record<string, string[]>;
  /** Base64. */
  readonly payload: string;
}

/** A function that runs. */
export interface LambdaApp {
  readonly runtime: LambdaRuntime;
  readonly process: ServerProcess;
  /** Jobs in the order in which they began. */
  jobs(): SeenJob[];
}

/** Starts test/fixtures/php/native/lambda.php; ended with the test. */
export async function startLambdaApp(t: TestContext, config: ConfigTree = {}): Promise<LambdaApp> {
  const dir = makeTempDir('lambda');
  const seen = dir.file('jobs');
  const base = {
    server: { command: ['php', fixture('native/lambda.php')], env: { LAMBDA_JOBS: seen } },
    http: { address: '127.0.0.1:1', pool: { allocate_timeout: '10s' } },
  };
  const started = await startLambda(mergeConfig(base, config));
  t.after(async () => {
    await started.runtime.stop();
    await started.process.discard();
    dir.remove();
  });
  const lines = (): string[] => (existsSync(seen) ? readFileSync(seen, 'utf8').trim().split('\n') : []);
  return { ...started, jobs: () => lines().map((line) => JSON.parse(line)) };
}

/** A GET of a function URL. */
export function getEvent(path: string, query = ''): Record<string, unknown> {
  return { ...lambdaEvent('function-url'), rawPath: path, rawQueryString: query };
}

/** The JSON of an answer; it must be no error. */
export function resultOf<T>(answered: Answered): T {
  assert.equal(answered.kind, 'response', answered.body.toString());
  return JSON.parse(answered.body.toString());
}

/** What /error was told. */
export function errorOf(answered: Answered): { readonly errorType: string; readonly errorMessage: string } {
  assert.equal(answered.kind, 'error', answered.body.toString().slice(0, 200));
  const error = JSON.parse(answered.body.toString());
  assert.equal(answered.headers['lambda-runtime-function-error-type'], error.errorType);
  assert.deepEqual(error.stackTrace, []);
  return error;
}

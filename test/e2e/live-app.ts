// An application whose code changes while it runs, and a load that goes on meanwhile.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../helpers/paths.ts';
import { ask, load } from '../helpers/request.ts';
import type { ServerProcess } from '../helpers/start-server.ts';
import { eventually } from '../helpers/wait-for.ts';

const AUTOLOAD = join(ROOT, 'php-client/vendor/autoload.php');

/** A native worker that answers every request with `answer`, a PHP expression; `before` runs once at its boot. */
export function workerCode(answer: string, before = ''): string {
  return `<?php
declare(strict_types=1);
require '${AUTOLOAD}';
${before}
Rrts\\Http\\HttpWorker::serve(static fn (Rrts\\Http\\Request $request) => ${answer});
`;
}

/** Writes a file and the directories above it. */
export function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Waits until four answers in a row are `text`: one old worker may still finish a request. */
export async function untilAnswer(server: ServerProcess, text: string, ms = 10_000): Promise<void> {
  let last = '';
  const seen = async (): Promise<boolean> => {
    for (let i = 0; i < 4; i++) {
      last = (await ask(server, '/')).text;
      if (last !== text) return false;
    }
    return true;
  };
  await eventually(seen, `the answer ${text}`, ms).catch((error) => {
    throw new assert.AssertionError({ message: `${String(error)}; the last was ${last}\n${server.logs.tail()}` });
  });
}

/** Runs a light load until `work` is done, and asserts that every request was answered with 200. @returns how many there were. */
export async function underLoad(server: ServerProcess, work: () => Promise<void>): Promise<number> {
  let done = false;
  const worked = work().finally(() => {
    done = true;
  });
  worked.catch(() => undefined);
  let answered = 0;
  while (!done) {
    const { statuses } = await load(server, { total: 100, connections: 4, make: () => ({ path: '/' }) });
    assert.deepEqual(Object.fromEntries(statuses), { 200: 100 }, server.logs.tail());
    answered += 100;
  }
  await worked;
  return answered;
}

// Queues of the local driver for tests: small files, a log of what is complained about, files that fail.

import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import type { Logger } from '../../../../src/core/logger.ts';
import type { DriverContext } from '../../../../src/plugins/jobs/driver.ts';
import { LocalDriver, type LocalOptions } from '../../../../src/plugins/jobs/local/local-driver.ts';
import { makeTempDir, type TempDir } from '../../../helpers/temp-dir.ts';
import { Receiver } from '../driver-contract.ts';

/** A folder that goes with the test. */
export function tempDir(t: TestContext): TempDir {
  const dir = makeTempDir('jobs-local');
  t.after(() => dir.remove());
  return dir;
}

/** A line that was logged. */
export interface Line {
  readonly level: string;
  readonly message: string;
  readonly facts: Record<string, unknown>;
}

/** Keeps what is logged. */
export function recorder(): { readonly lines: Line[]; readonly logger: Logger } {
  const lines: Line[] = [];
  const log = (level: string) => (facts: object, message: string) => {
    lines.push({ level, message, facts: facts as Record<string, unknown> });
  };
  const logger: Logger = {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: () => logger,
  };
  return { lines, logger };
}

/** A driver, what it hands over, and what it logs. */
export interface Rig {
  readonly driver: LocalDriver;
  readonly receiver: Receiver;
  readonly lines: readonly Line[];
}

/** One that is not started, and stops with the test. */
export function makeRig(
  t: TestContext,
  directory: string,
  more: Partial<LocalOptions> = {},
  context: Partial<DriverContext> = {},
): Rig {
  const receiver = new Receiver();
  const { lines, logger } = recorder();
  const options = { directory, parents: 0, mode: 0o600, boltFile: undefined, segmentBytes: 1024 * 1024, open, ...more };
  const driver = new LocalDriver(options, receiver.context({ logger, ...context }));
  t.after(() => driver.stop());
  return { driver, receiver, lines };
}

/** One that is started. */
export async function openRig(...parameters: Parameters<typeof makeRig>): Promise<Rig> {
  const rig = makeRig(...parameters);
  await rig.driver.start();
  return rig;
}

/** What may fail at a file. */
export type Operation = 'open' | 'writev' | 'write' | 'datasync' | 'truncate' | 'read' | 'sync';

/** An `open` whose files fail when `fault` says so: an error to throw, or a number of bytes to write before one. */
export function faultyOpen(fault: (operation: Operation, path: string) => Error | undefined): typeof open {
  const opening = async (path: string, flags: string, mode?: number): Promise<FileHandle> => {
    const refused = fault('open', path);
    if (refused !== undefined) throw refused;
    const handle = await open(path, flags, mode);
    return new Proxy(handle, {
      get(target, name) {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        return async (...words: unknown[]) => {
          const error = fault(name as Operation, path);
          if (error === undefined) return (value as (...all: unknown[]) => unknown).apply(target, words);
          // A full disk takes a part before it refuses.
          if (name === 'writev') await target.write((words[0] as Buffer[])[0] as Buffer, 0, 7, words[1] as number);
          throw error;
        };
      },
    });
  };
  return opening as typeof open;
}

/** An error as the system gives it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the test wants it, write`), { code });
}

// A clock of the system that a test can set for one process and its children: libfaketime.

import { renameSync, writeFileSync } from 'node:fs';
import { exists } from './paths.ts';
import type { TempDir } from './temp-dir.ts';

/** A clock. */
export interface FakeClock {
  /** What the process needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Sets it so many hours from the true time; it goes on from there. */
  jump(hours: number): void;
  /** Sets it to a time, at which it stands until it is set again: `2026-03-29T00:59:59Z`. */
  stand(time: string): void;
}

/** A clock that is right until it is set. Only the time of day is set: what measures spans is true, as when somebody sets a real clock. */
export function fakeClock(dir: TempDir): FakeClock {
  const library = LIBRARIES.find(exists);
  if (library === undefined) throw new Error(`libfaketime is not installed: none of ${LIBRARIES.join(', ')}`);
  const file = dir.file('clock');
  // As a whole: half a time would be another one.
  const write = (text: string): void => {
    writeFileSync(`${file}.new`, `${text}\n`);
    renameSync(`${file}.new`, file);
  };
  const jump = (hours: number): void => write(`${hours < 0 ? '-' : '+'}${Math.abs(hours)}h`);
  jump(0);
  return {
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // It reads times in the zone of the process.
      TZ: 'UTC',
    },
    jump,
    stand: (time) => write(new Date(time).toISOString().slice(0, 19).replace('T', ' ')),
  };
}

const LIBRARIES = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`);

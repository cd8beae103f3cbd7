// The driver local: jobs in files of our own, safe against kill -9 and loss of power, with no server to install.

import { mkdir, open, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RrtsError } from '../../../core/errors.ts';
import type { Driver, DriverContext, DriverStats, DriverType, NewJob, PushResult } from '../driver.ts';
import { HandOver } from './hand-over.ts';
import { Intake } from './intake.ts';
import { Journal } from './journal.ts';
import { type GiveUp, takeDirectory } from './ownership.ts';
import { Reclaimer } from './reclaimer.ts';
import { RecordReader } from './record-reader.ts';
import { recover } from './recovery.ts';
import { type LocalPlace, localShape, placeOf } from './settings.ts';
import { type OpenFile, storeError, syncDirectory } from './store-error.ts';

const SEGMENT_BYTES = 16 * 1024 * 1024;
const PREFETCH = 100;
const STOP_MS = 5000;

/** What a driver is told; tests give smaller files, and files that fail. */
export interface LocalOptions extends LocalPlace {
  readonly segmentBytes: number;
  readonly open: OpenFile;
}

/** What exists while it is started. */
interface Parts {
  readonly journal: Journal;
  readonly reclaimer: Reclaimer;
  readonly intake: Intake;
  readonly handOver: HandOver;
}

/** The driver; see {@link Driver}. */
export class LocalDriver implements Driver {
  readonly #options: LocalOptions;
  readonly #context: DriverContext;
  #giveUp: GiveUp | undefined;
  #parts: Parts | undefined;
  #segmentPaths: () => readonly string[] = () => [];

  constructor(options: LocalOptions, context: DriverContext) {
    this.#options = options;
    this.#context = context;
  }

  async start(): Promise<void> {
    const { directory, open: openFile } = this.#options;
    const { key, logger, pipeline } = this.#context;
    await this.#makeDirectory();
    await this.#warnOfBolt();
    this.#giveUp = await takeDirectory(directory, key);
    const { segments, entries, nextSequence } = await recover({ directory, pipeline, key, logger, open: openFile });
    this.#segmentPaths = () => segments.map(({ path }) => path);
    const reader = new RecordReader(openFile, key);
    const journal = new Journal(
      {
        ...this.#options,
        key,
        pipeline,
        logger,
        moved: (entry) => handOver.moved(entry),
        rounded: () => {
          reclaimer.check();
          handOver.pump();
        },
      },
      segments,
    );
    const handOver = new HandOver({ context: this.#context, journal, reader, open: openFile, nextSequence });
    const reclaimer = new Reclaimer({
      segments,
      journal,
      reader,
      logger,
      key,
      segmentBytes: this.#options.segmentBytes,
      open: openFile,
      damaged: (entry) => handOver.lose(entry),
    });
    const intake = new Intake(this.#context, journal, handOver);
    await intake.takeUp(entries);
    this.#parts = { journal, reclaimer, intake, handOver };
    reclaimer.check();
    if (entries.length > 0) logger.info({ pipeline, jobs: entries.length }, 'jobs of an earlier run wait in the queue');
  }

  async push(jobs: readonly NewJob[]): Promise<readonly PushResult[]> {
    if (this.#parts === undefined) throw this.#closed();
    return this.#parts.intake.push(jobs);
  }

  resume(): void {
    this.#parts?.handOver.resume();
  }

  pause(): void {
    this.#parts?.handOver.pause();
  }

  async stats(): Promise<DriverStats> {
    return this.#parts?.handOver.stats() ?? { waiting: 0, delayed: 0, reserved: 0 };
  }

  async destroy(): Promise<void> {
    const { directory, open: openFile } = this.#options;
    await this.#close();
    try {
      for (const path of this.#segmentPaths()) await unlink(path);
      await syncDirectory(directory, openFile);
    } catch (thrown) {
      throw storeError(directory, 'cannot be emptied', thrown, this.#context.key);
    }
    // Damaged parts that were set aside stay, and then the directory does.
    await rmdir(directory).catch(() => undefined);
  }

  async stop(): Promise<void> {
    await this.#close();
    const giveUp = this.#giveUp;
    this.#giveUp = undefined;
    await giveUp?.();
  }

  async #close(): Promise<void> {
    const parts = this.#parts;
    this.#parts = undefined;
    if (parts === undefined) return;
    parts.handOver.stop();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, STOP_MS, 'late');
    });
    const ended = Promise.all([parts.reclaimer.stop(), parts.journal.close()]);
    if ((await Promise.race([ended, late])) === 'late') {
      const { logger, pipeline } = this.#context;
      logger.error(
        { pipeline, directory: this.#options.directory },
        'the disk did not answer in time: jobs that are done may run again',
      );
    }
    clearTimeout(timer);
    parts.intake.refuseAll(this.#closed());
  }

  async #makeDirectory(): Promise<void> {
    const { directory, parents } = this.#options;
    try {
      const missing = [directory];
      for (let count = 0; count < parents; count++) missing.unshift(dirname(missing[0] as string));
      for (const path of missing) {
        if (await makeDirectory(path)) await syncDirectory(dirname(path), this.#options.open);
      }
      if (!(await stat(directory)).isDirectory()) throw new Error('it is no directory');
    } catch (thrown) {
      throw storeError(directory, 'cannot be made the directory of a queue', thrown, this.#context.key);
    }
  }

  async #warnOfBolt(): Promise<void> {
    const { boltFile, directory } = this.#options;
    if (boltFile === undefined || !(await stat(boltFile).catch(() => undefined))) return;
    const facts = { pipeline: this.#context.pipeline, file: boltFile, directory };
    this.#context.logger.warn(
      facts,
      'jobs in a file of BoltDB cannot be read: let RoadRunner finish them; new ones are kept in the directory',
    );
  }

  #closed(): RrtsError {
    return new RrtsError('ERR_JOBS_STORE', `the queue of the pipeline ${this.#context.pipeline} is closed`, {
      place: this.#context.key,
    });
  }
}

/** False when there is something of that name already. */
async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  }
}

/** The driver `local`; RoadRunner's package knows it as `boltdb`. */
export const localDriverType: DriverType = {
  name: 'local',
  roadRunnerName: 'boltdb',
  prefetch: PREFETCH,
  shape: localShape,
  ignored: [],
  create: (settings, _section, context) =>
    new LocalDriver({ ...placeOf(settings, context), segmentBytes: SEGMENT_BYTES, open }, context),
};

/** The same under RoadRunner's name. */
export const boltdbDriverType: DriverType = { ...localDriverType, name: 'boltdb' };

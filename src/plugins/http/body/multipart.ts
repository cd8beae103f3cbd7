// multipart/form-data: fields into memory, files to disk, in the order sent.

import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { Dicer } from '@fastify/busboy';
import type { FormField, Upload } from '../../../protocol/http/head.ts';
import { BodyError } from './body-error.ts';
import { consume } from './consume.ts';
import { type PartNames, parseDisposition } from './content-disposition.ts';
import { type BodyLimits, DEFAULT_LIMITS, MAX_PART_HEADER_BYTES, MAX_PART_HEADERS } from './limits.ts';
import { drain, type Spool, spoolFile } from './spool.ts';
import { removeFiles } from './temporary-files.ts';

/** A multipart body that was received. `paths` are its temporary files, for whoever removes them. */
export interface Multipart {
  readonly fields: readonly FormField[];
  readonly uploads: readonly Upload[];
  readonly paths: readonly string[];
}

/**
 * Receives a multipart body. If this fails, its temporary files are removed before it rejects.
 * @throws BodyError 413 over a limit; 400 when the body is not well formed or ends early.
 */
export async function receiveMultipart(source: Readable, boundary: string, limits: BodyLimits): Promise<Multipart> {
  const receiver = new Receiver(boundary, limits);
  try {
    await consume(source, limits.maxBytes, (chunk) => receiver.write(chunk));
    await receiver.end();
  } catch (error) {
    await receiver.abandon();
    throw error;
  }
  return receiver;
}

type PartHeader = Readonly<Record<string, readonly string[] | undefined>>;

// Read at once, and so written at once; also what a client may send ahead of the disk.
const BUFFER_BYTES = 256 * 1024;

// Only the parser of busboy is used. Busboy itself decodes names and fields as UTF-8, which loses bytes that are not,
// and hands out files as they come, where one after the other keeps the order and needs one descriptor per request.
class Receiver implements Multipart {
  readonly fields: FormField[] = [];
  readonly uploads: Upload[] = [];
  readonly paths: string[] = [];
  readonly #limits: Required<Pick<BodyLimits, keyof typeof DEFAULT_LIMITS>>;
  readonly #spool: Spool;
  readonly #dicer: Dicer;
  readonly #open = new Set<Readable>();
  readonly #failure = deferred();
  readonly #finished: Promise<unknown>;
  #tail: Promise<void> = Promise.resolve();
  #error: unknown;
  #fieldCount = 0;
  #fileCount = 0;
  #fieldBytes = 0;
  #headless = 0;
  #isFinished = false;

  constructor(boundary: string, limits: BodyLimits) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    const onError = (error: Error, path: string): void => limits.onError?.(error, path);
    this.#spool = { options: limits.uploads, paths: this.paths, onError };
    const config = {
      boundary,
      maxHeaderPairs: MAX_PART_HEADERS,
      maxHeaderSize: MAX_PART_HEADER_BYTES,
      highWaterMark: BUFFER_BYTES,
      partHwm: BUFFER_BYTES,
    };
    this.#dicer = new Dicer(config);
    this.#dicer.on('part', (part: Readable) => this.#onPart(part));
    this.#dicer.on('error', () => this.#fail(new BodyError(400, 'the multipart body ended early')));
    this.#finished = new Promise<void>((resolve) => this.#dicer.once('finish', resolve)).then(() => {
      this.#isFinished = true;
    });
  }

  /** A promise when the parts have to be read first: that is the back-pressure from the disk to the client. */
  write(chunk: Buffer): Promise<void> | undefined {
    if (this.#error !== undefined) throw this.#error;
    // What follows the last boundary is nothing, and a parser that paused at it would keep it all in memory.
    if (this.#isFinished || this.#dicer.write(chunk)) return undefined;
    return this.#orFailure(Promise.race([once(this.#dicer, 'drain'), this.#finished]));
  }

  async end(): Promise<void> {
    // Not the callback of end(): a parser that paused in the chunk with the last boundary never completes that write,
    // it only tells of its finish.
    this.#dicer.end();
    await this.#orFailure(this.#finished);
    // Dicer tells of a missing last boundary only in the tick after its end.
    await setImmediate();
    await this.#tail;
    if (this.#headless > 0) this.#fail(new BodyError(400, 'the multipart body has a part without a header'));
    if (this.#error !== undefined) throw this.#error;
  }

  /** Ends what is still being read, then removes the files. */
  async abandon(): Promise<void> {
    this.#fail(new BodyError(400, 'the multipart body was abandoned'));
    for (const part of this.#open) part.destroy();
    await this.#tail;
    await removeFiles(this.paths, this.#spool.onError);
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    this.#failure.reject(this.#error);
  }

  // A part that nobody reads any more stops the parser for good, so after a failure its events must not be waited for.
  async #orFailure(event: Promise<unknown>): Promise<void> {
    await Promise.race([event, this.#failure.promise]);
  }

  #onPart(part: Readable): void {
    this.#headless++;
    this.#open.add(part);
    // Dicer reports a body that ends within a part here too.
    part.on('error', () => {});
    part.on('header', (header: PartHeader) => {
      this.#headless--;
      try {
        const names = this.#admit(header);
        // One part is read after the other; those that follow in the same chunk wait in memory, where they are already.
        this.#tail = this.#tail.then(() => this.#receive(part, names, header)).catch((error) => this.#fail(error));
      } catch (error) {
        this.#fail(error);
        part.resume();
      }
    });
  }

  // Counted as soon as they are seen, not when their turn comes: of a form that has too many hardly anything is written.
  #admit(header: PartHeader): PartNames | undefined {
    const disposition = header['content-disposition']?.[0];
    const names = disposition === undefined ? undefined : parseDisposition(disposition);
    if (names === undefined) return undefined;
    const { maxFields, maxFiles } = this.#limits;
    if (names.fileName === undefined) {
      if (++this.#fieldCount > maxFields) throw tooMany('fields', maxFields);
    } else if (++this.#fileCount > maxFiles) throw tooMany('files', maxFiles);
    return names;
  }

  async #receive(part: Readable, names: PartNames | undefined, header: PartHeader): Promise<void> {
    try {
      if (this.#error !== undefined) return;
      if (names === undefined) return await drain(part);
      const { field, fileName: name } = names;
      if (name === undefined) return await this.#receiveField(part, field);
      this.uploads.push(await spoolFile(part, { field, name, mime: mimeOf(header) }, this.#spool));
    } finally {
      this.#open.delete(part);
      // What nobody wanted to read has to flow off, or the parser stops.
      part.resume();
    }
  }

  async #receiveField(part: Readable, name: string): Promise<void> {
    let value = '';
    for await (const chunk of part as AsyncIterable<Buffer>) {
      this.#fieldBytes += chunk.length;
      if (this.#fieldBytes > this.#limits.maxFieldBytes) throw new BodyError(413, 'the form fields are too large');
      value += chunk.toString('latin1');
    }
    this.fields.push({ name, value });
  }
}

function tooMany(what: string, limit: number): BodyError {
  return new BodyError(413, `the multipart body has more than ${limit} ${what}`);
}

// PHP keeps the type without its parameters.
function mimeOf(header: PartHeader): string {
  return (header['content-type']?.[0] ?? '').split(';', 1)[0]?.trim() ?? '';
}

function deferred(): { promise: Promise<never>; reject(error: unknown): void } {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, fail) => {
    reject = fail;
  });
  // It is one of several that are raced, and often none is waiting.
  promise.catch(() => {});
  return { promise, reject };
}

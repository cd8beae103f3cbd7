// The kinds of worker that run the same scenarios, and how a server is told to start each.

import { join } from 'node:path';
import { ensureComposerProject } from '../helpers/composer.ts';
import { exists, fixture, ROOT } from '../helpers/paths.ts';
import type { ConfigTree } from '../helpers/start-server.ts';

/** One kind of worker. */
export interface WorkerKind {
  readonly name: string;
  readonly command: readonly string[];
  /** Merged into the server's configuration. */
  readonly config: ConfigTree;
  /** True for a JSON head, which carries header values that are not UTF-8 as latin1 text. */
  readonly textHead?: boolean;
  /** Why header values that are not UTF-8 cannot be tried; absent when they can. */
  readonly noBytes?: string;
  /** Installs what it needs; the reason, in words, when it cannot run here. */
  prepare(): Promise<string | undefined>;
}

/** A native worker, on our own PHP package. */
export const NATIVE: WorkerKind = {
  name: 'native worker',
  command: ['php', fixture('native/worker.php')],
  config: {},
  prepare: async () =>
    exists(join(ROOT, 'php-client', 'vendor', 'autoload.php'))
      ? undefined
      : 'php-client is not installed: npm run setup',
};

/** The same in a PHP without ext-msgpack, which falls back to JSON. */
export const NATIVE_JSON: WorkerKind = {
  ...NATIVE,
  name: 'native worker without ext-msgpack',
  command: ['php', '-n', fixture('native/worker.php')],
};

/** Our SDK-style worker with RoadRunner's JSON head. */
export const SDK_JSON: WorkerKind = {
  name: 'SDK worker, JSON head',
  command: ['php', fixture('sdk-json.php')],
  config: {},
  textHead: true,
  prepare: async () => undefined,
};

/** Our SDK-style worker with RoadRunner's protobuf head. */
export const SDK_PROTO: WorkerKind = {
  name: 'SDK worker, protobuf head',
  command: ['php', fixture('sdk-proto.php')],
  config: { http: { pool: { codec: 'proto' } } },
  prepare: () => ensureComposerProject(fixture('proto')),
};

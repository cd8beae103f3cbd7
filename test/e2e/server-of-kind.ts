// One server per kind of worker, shared by the tests of a file.

import { after, before, type TestContext } from 'node:test';
import { type ConfigTree, type ServerProcess, startServer } from '../helpers/start-server.ts';
import type { WorkerKind } from './kinds.ts';

/** Gives the server of a kind to its tests; skips them when the kind cannot run here. */
export interface SharedServer {
  /** The server. Throws when there is none, so a test asks {@link missing} first. */
  readonly server: ServerProcess;
  /** True, and the test is marked as skipped, when the kind cannot run here. */
  missing(t: TestContext): boolean;
}

/** Starts it before the tests of the suite that calls this, and stops it after them, with all that `stop` asserts. */
export function sharedServer(kind: WorkerKind, config: ConfigTree = {}): SharedServer {
  let server: ServerProcess | undefined;
  let reason: string | undefined;
  before(async () => {
    reason = await kind.prepare();
    if (reason === undefined)
      server = await startServer({ command: kind.command, config: mergeTop(kind.config, config) });
  });
  after(async () => {
    try {
      await server?.stop();
    } finally {
      await server?.discard();
    }
  });
  return {
    get server() {
      if (server === undefined) throw new Error(`no server for ${kind.name}`);
      return server;
    },
    missing(t) {
      if (reason !== undefined) t.skip(reason);
      return reason !== undefined;
    },
  };
}

/** Both say something about `http` and `http.pool` at most. */
export function mergeTop(one: ConfigTree, other: ConfigTree): ConfigTree {
  const http = { ...sub(one, 'http'), ...sub(other, 'http') };
  const pool = { ...sub(sub(one, 'http'), 'pool'), ...sub(sub(other, 'http'), 'pool') };
  return { ...one, ...other, http: { ...http, pool } };
}

function sub(tree: ConfigTree, key: string): ConfigTree {
  return (tree[key] as ConfigTree | undefined) ?? {};
}

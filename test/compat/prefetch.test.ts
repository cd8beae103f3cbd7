// RoadRunner's packages with pool.prefetch_sdk: requests in the pipe of a busy worker, streams in between, workers killed.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kill, phpProcesses } from '../helpers/processes.ts';
import { ask } from '../helpers/request.ts';
import { startServer } from '../helpers/start-server.ts';
import { GENERATION_BOTH, GENERATION_JSON, GENERATION_PROTO } from './kinds.ts';

const CLIENTS = 24;
const EACH = 100;

describe('requests sent ahead to workers of RoadRunner packages', () => {
  for (const kind of [GENERATION_JSON, GENERATION_BOTH, GENERATION_PROTO]) {
    test(`every reply belongs to its request, whatever else happens: ${kind.name}`, async (t) => {
      const reason = await kind.prepare();
      if (reason !== undefined) return t.skip(reason);
      const http = kind.config?.['http'] as { pool: object };
      const server = await startServer({
        command: kind.command,
        config: { ...kind.config, http: { ...http, pool: { ...http.pool, num_workers: 3, prefetch_sdk: true } } },
      });
      t.after(() => server.discard());
      const count = { plain: 0, streams: 0, kills: 0 };
      const client = async (c: number): Promise<void> => {
        for (let i = 0; i < EACH; i++) {
          if (c === 0 && i % 25 === 24) {
            assert.equal(
              (await ask(server, '/stream?chunks=7')).text,
              Array.from({ length: 7 }, (_, n) => `line ${n}\n`).join(''),
            );
            count.streams++;
          } else {
            assert.equal((await ask(server, `/echo?hello=c${c}-${i}`)).text, `C${c}-${i}`);
            count.plain++;
          }
          // The same client that streams, so that no stream is cut by a kill.
          if (c === 0 && i % 20 === 19) {
            const [victim] = phpProcesses(server.mark);
            if (victim !== undefined && kill(victim.pid, 'SIGKILL')) count.kills++;
          }
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, (_, c) => client(c)));
      t.diagnostic(`${count.plain} replies, ${count.streams} streams, ${count.kills} kills`);
      assert.equal(count.plain + count.streams, CLIENTS * EACH);
      assert.ok(count.kills >= 3);
      await server.stop();
    });
  }
});

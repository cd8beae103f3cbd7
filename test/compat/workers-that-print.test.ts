// Applications on RoadRunner's packages that print before their worker speaks.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mentions } from '../helpers/log-lines.ts';
import { spawnServer } from '../helpers/start-server.ts';
import { GENERATION_JSON, GENERATION_PROTO } from './kinds.ts';

describe('workers that print before they speak', () => {
  for (const kind of [GENERATION_JSON, GENERATION_PROTO]) {
    test(`the text is quoted with the script, exit code 69: ${kind.name}`, async (t) => {
      const reason = await kind.prepare();
      if (reason !== undefined) return t.skip(reason);
      const command = [...kind.command, 'print-first'];
      const server = await spawnServer({ command, config: kind.config });
      t.after(() => server.discard());
      const ending = await server.waitForEnd(15_000);
      assert.equal(ending.code, 69, server.logs.tail());
      assert.ok(server.logs.records.some(mentions(/printed before the worker speaks/)), server.logs.tail());
      assert.ok(server.logs.records.some(mentions(/compat\/worker\.php/)), server.logs.tail());
    });
  }
});

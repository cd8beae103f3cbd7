// Applications on RoadRunner's packages that print before their worker speaks.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type LogRecord, mentions } from '../helpers/log-lines.ts';
import { ask } from '../helpers/request.ts';
import { startServer } from '../helpers/start-server.ts';
import { GENERATION_JSON, GENERATION_PROTO } from './kinds.ts';

describe('workers that print before they speak', () => {
  for (const kind of [GENERATION_JSON, GENERATION_PROTO]) {
    test(`the text is quoted with the script, and the application is served: ${kind.name}`, async (t) => {
      const reason = await kind.prepare();
      if (reason !== undefined) return t.skip(reason);
      const server = await startServer({ command: [...kind.command, 'print-first'], config: kind.config });
      t.after(() => server.discard());
      const quoted = (record: LogRecord) =>
        mentions(/printed before the worker speaks/)(record) && mentions(/compat\/worker\.php/)(record);
      await server.waitForLog(quoted, 'that quotes the text');
      assert.equal((await ask(server, '/echo?hello=fine')).text, 'FINE');
      await server.stop();
    });
  }
});

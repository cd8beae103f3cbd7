// The examples of the bridge from a program with RoadRunner's RPC client: spiral/goridge, JSON over rpc.listen.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { EXAMPLE, startExample, webpSize } from '../e2e/node-libraries.ts';
import { ensureComposerProject } from '../helpers/composer.ts';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { ensureNodeProject } from '../helpers/node-packages.ts';
import { ROOT } from '../helpers/paths.ts';
import { startRedis } from '../helpers/redis.ts';
import { GENERATION_BOTH, GENERATION_JSON } from './kinds.ts';

const run = promisify(execFile);

interface Answers {
  readonly html: string;
  readonly webp: string;
  readonly thumbnail: {
    readonly image: string;
    readonly width: number;
    readonly height: number;
    readonly madeAt: string;
  };
  readonly argument: string;
  readonly denied: string;
  readonly visits: readonly number[];
}

describe('the bridge from spiral/goridge', () => {
  before(async () => {
    const reasons = [await ensureNodeProject(EXAMPLE), await ensureComposerProject(EXAMPLE)];
    assert.deepEqual(reasons, [undefined, undefined]);
  });

  for (const [project, kind] of [
    ['json', GENERATION_JSON],
    ['proto', GENERATION_BOTH],
  ] as const) {
    test(`the packages of test/compat/${project}`, async (t) => {
      const reason = await kind.prepare?.();
      if (reason !== undefined) return t.skip(reason);
      const redis = await startRedis();
      t.after(() => redis.stop());
      const address = `tcp://127.0.0.1:${await freePort()}`;
      const server = await startExample(redis.port, { rpc: { listen: address } });
      t.after(() => server.discard());
      await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
      const script = join(ROOT, 'test/compat/bridge-calls.php');
      const { stdout } = await run('php', [script, project, address, join(EXAMPLE, 'assets/hills.jpg')], {
        timeout: 30_000,
        maxBuffer: 16 * 1024 * 1024,
      });
      const answers = JSON.parse(stdout) as Answers;
      assert.equal(answers.html, '<h1>ä</h1>\n');
      assert.deepEqual(webpSize(Buffer.from(answers.webp, 'base64')), [64, 43]);
      const { image, width, height, madeAt } = answers.thumbnail;
      const png = Buffer.from(image, 'base64');
      assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20), width, height], [48, 32, 48, 32]);
      assert.ok(Math.abs(Date.now() - Date.parse(madeAt)) < 60_000, madeAt);
      assert.match(answers.argument, /^Error 'width: Too small/);
      assert.match(answers.denied, /allow/);
      assert.deepEqual(answers.visits, [1, 2, 3]);
      await server.stop();
    });
  }
});

// Workers that break the protocol in 31 ways, over and over: each costs its request and its worker, never the master.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NATIVE, SDK_JSON, type WorkerKind } from '../../e2e/kinds.ts';
import { fixture } from '../../helpers/paths.ts';
import { RawClient } from '../../helpers/raw-http.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';
import { atMost, pick } from '../rig/length.ts';
import { look, lookable } from '../rig/probe.ts';
import { report } from '../rig/report.ts';
import { type StandardApp, startStandard, WORKERS } from '../rig/standard-app.ts';

const ROUNDS = pick(62, 1_023);
const EXEC_TTL = '1s';
/** Clients at once; each has its own kind of abuse at a time. */
const CLIENTS = 4;

/** What the client sees. `cut`: a reply that began and ends with the connection. 504 where silence follows what was sent. */
type Seen = number | 'cut';

/** An SDK worker may print between frames, so bytes that are no header mean silence there; and flags are not its strong side. */
const OTHERWISE_FOR_SDK: Readonly<Record<string, readonly Seen[]>> = {
  'bad-magic': [504],
  noise: [502, 504],
  'unknown-flag': [200],
};

/** Every variant and what is documented for it: docs/errors.md. */
const VARIANTS: Readonly<Record<string, Seen>> = {
  'bad-magic': 502,
  'version-2': 502,
  'header-of-2-words': 502,
  'header-of-15-words': 502,
  'bad-crc': 502,
  'length-4-gib': 502,
  'no-option': 502,
  'two-options': 502,
  'ten-options': 502,
  'head-past-the-end': 502,
  'head-not-json': 502,
  'head-a-number': 502,
  'head-null': 502,
  'head-deep': 502,
  'head-of-4-mib': 502,
  'status-text': 502,
  'status-0': 500,
  'status-1000': 500,
  'other-codec': 502,
  'unknown-flag': 502,
  'body-before-head': 502,
  empty: 502,
  'handshake-again': 502,
  'control-garbage': 502,
  'two-replies': 200,
  'stop-bit': 200,
  'error-of-bytes': 500,
  noise: 502,
  'garbage-in-stream': 'cut',
  'half-header': 504,
  'half-frame': 502,
};

/** Sends one POST, which is never replayed, on a connection of its own. */
async function provoke(app: StandardApp, variant: string): Promise<{ seen: Seen; text: string }> {
  const client = await RawClient.connect(app.server.port);
  try {
    client.send(`POST /${variant} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx`);
    return { seen: (await client.response()).status, text: '' };
  } catch (error) {
    return { seen: 'cut', text: String(error) };
  } finally {
    client.destroy();
  }
}

function startAbuser(t: Parameters<typeof startStandard>[0], kind: WorkerKind, word: string, file: string) {
  return startStandard(t, {
    kind,
    environment: lookable(file),
    command: ['php', fixture('misbehaving/abuses-protocol.php'), word],
    config: { http: { pool: { supervisor: { exec_ttl: EXEC_TTL } } } },
  });
}

describe('protocol abuse', () => {
  for (const [kind, word] of [
    [SDK_JSON, 'sdk'],
    [NATIVE, 'native'],
  ] as const) {
    test(`R15 ${Object.keys(VARIANTS).length} kinds of it, ${ROUNDS} times: ${kind.name}`, async (t) => {
      const dir = makeTempDir('abuse');
      t.after(() => dir.remove());
      const file = dir.file('report.json');
      const app = await startAbuser(t, kind, word, file);
      if (app === undefined) return;
      const names = Object.keys(VARIANTS);
      const wrong: string[] = [];
      const statuses = new Map<Seen, number>();
      let next = 0;
      const client = async (rounds: number) => {
        while (next < rounds) {
          const index = next++;
          const variant = names[index % names.length] ?? '';
          const { seen, text } = await provoke(app, variant);
          statuses.set(seen, (statuses.get(seen) ?? 0) + 1);
          const expected = (word === 'sdk' ? OTHERWISE_FOR_SDK[variant] : undefined) ?? [VARIANTS[variant]];
          if (!expected.includes(seen)) wrong.push(`${variant}: ${seen} instead of ${expected.join(' or ')} ${text}`);
        }
      };
      const abuse = (rounds: number) => Promise.all(Array.from({ length: CLIENTS }, () => client(rounds)));
      await abuse(names.length);
      const before = await look(app, file);
      await abuse(ROUNDS);
      const wholeMs = await app.whole(WORKERS, 20_000);
      const after = await look(app, file);
      const [grownMiB, heapMiB] = [
        (after.rss - before.rss) / (1 << 20),
        (after.heapUsed - before.heapUsed) / (1 << 20),
      ];
      const seen = [...statuses].map(([status, count]) => `${status}: ${count}`).join(' ');
      report(t, {
        kind: kind.name,
        variants: names.length,
        rounds: ROUNDS,
        seen: `{${seen}}`,
        grownMiB,
        heapMiB,
        wholeMs,
      });
      assert.deepEqual([...new Set(wrong)], [], app.server.logs.tail());
      const { seen: fine } = await provoke(app, '');
      assert.equal(fine, 200);
      assert.doesNotMatch(app.server.logs.text(), /unforeseen error|internal error/);
      // What the allocator keeps after heads of 4 MiB goes up and down; what the master holds must not.
      atMost(heapMiB, 2, 'MiB that the master holds more');
      atMost(grownMiB, 40, 'MiB that its allocator keeps more');
      await app.server.stop();
    });
  }
});

// The output of a worker as log lines.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { silentLogger } from '../../src/core/logger.ts';
import { WorkerOutput } from '../../src/worker/output.ts';

function collect(now: () => number = () => 0): { output: WorkerOutput; lines: string[]; warnings: string[] } {
  const lines: string[] = [];
  const warnings: string[] = [];
  const logger = {
    ...silentLogger,
    info: (_: object, line: string) => void lines.push(line),
    warn: (facts: object, line: string) => void warnings.push(`${line} ${JSON.stringify(facts)}`),
  };
  return { output: new WorkerOutput(logger, now), lines, warnings };
}

test('lines come whole however they were split, also inside a character', () => {
  const text = 'first line\nzweite Zeile mit Größe\r\n\nlast\n';
  fc.assert(
    fc.property(fc.array(fc.nat(60), { maxLength: 6 }), (cuts) => {
      const { output, lines } = collect();
      const bytes = Buffer.from(text);
      const places = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
      [...places, bytes.length].forEach((end, i) => {
        output.push(bytes.subarray(places[i - 1] ?? 0, end));
      });
      output.flush();
      assert.deepEqual(lines, ['first line', 'zweite Zeile mit Größe', 'last']);
    }),
    { numRuns: 300 },
  );
});

test('a worker cannot forge or recolour a line, and a long one is cut', () => {
  const { output, lines } = collect();
  output.push(Buffer.from('a\x1b[31mred\x00\rforged\n'));
  output.push(Buffer.alloc(1_000_000, 'x'));
  output.push(Buffer.from('tail\nnext\n'));
  assert.equal(lines[0], 'a\\x1b[31mred\\x00\\rforged');
  assert.equal(lines[1], `${'x'.repeat(7.5 * 1024 - 5)}...`);
  assert.equal(lines[2], 'next');
});

test('a flood is cut at 1 MiB a second and counted', () => {
  let now = 0;
  const { output, lines, warnings } = collect(() => now);
  const megabyte = Buffer.alloc(1024 * 1024, 'line\n');
  for (let i = 0; i < 100; i++) output.push(megabyte);
  const logged = lines.length;
  now = 1000;
  output.push(Buffer.from('calm\n'));
  assert.ok(logged <= 210_000, `${logged} lines`);
  assert.equal(lines.at(-1)?.endsWith('calm'), true);
  assert.match(warnings[0] ?? '', /more than 1 MiB in a second.*"bytes":103809024/);
});

test('short lines cost more than their bytes, as they do in the log', () => {
  const { output, lines } = collect();
  const chunk = Buffer.alloc(60_000, 'line\n');
  for (let i = 0; i < 100; i++) output.push(chunk);
  assert.ok(lines.length > 5_000 && lines.length <= 24_000, `${lines.length} lines`);
});

test('the last lines are kept for the report of a death, also one without a line end', () => {
  const { output } = collect();
  for (let i = 0; i < 15; i++) output.push(Buffer.from(`line ${i}\n`));
  output.push(Buffer.from('no end'));
  assert.equal(output.tail.length, 10);
  assert.deepEqual(output.tail.slice(-2), ['line 14', 'no end']);
  // As many as are fit for one line of the log, the last ones.
  for (let i = 0; i < 9; i++) output.push(Buffer.from(`${'\0'.repeat(100 + i)}${'y'.repeat(1_000)}${i}\n`));
  const bytes = Buffer.byteLength(JSON.stringify(output.tail));
  assert.ok(bytes > 4_000 && bytes < 6_000, `${bytes} bytes`);
  assert.match(output.tail.at(-1) ?? '', /y8$/);
});

test('what a line takes in the log is bounded, whatever is in it, and no character is halved', () => {
  for (const unit of ['\0', '"', '\\', 'ä', '€', '😀', '\x1b', '\u2028', '\x9f']) {
    for (const shift of ['', 'x', 'xx', 'xxx']) {
      const { output, lines } = collect();
      output.push(Buffer.from(`${shift}${unit.repeat(300_000)}\n`));
      const bytes = Buffer.from(JSON.stringify(lines[0]));
      assert.ok(bytes.length > 7.4 * 1024 && bytes.length <= 7.5 * 1024, `${bytes.length} bytes of ${unit}`);
      assert.doesNotMatch(bytes.toString(), /\\ud8|\ufffd/);
    }
  }
});

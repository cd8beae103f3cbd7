// Signals and unforeseen errors, seen from outside the process.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ROOT } from '../helpers/paths.ts';
import { within } from '../helpers/wait-for.ts';

/** A server that fails in one way, and what it has printed. */
class FaultyServer {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  text = '';
  #waiting: (() => void)[] = [];

  constructor(t: TestContext, fault: string) {
    const script = join(ROOT, 'test/server/faulty-server.ts');
    this.child = spawn(process.execPath, ['--import', 'tsx', script, fault], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: ROOT,
    });
    this.ended = once(this.child, 'close');
    this.child.stdout?.on('data', (chunk) => {
      this.text += chunk;
      for (const look of this.#waiting) look();
    });
    t.after(() => this.child.kill('SIGKILL'));
  }

  async printed(words: string): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.text.includes(words)) resolve();
      };
      this.#waiting.push(look);
      look();
    });
    await within(seen, 60_000, `"${words}" in the output`);
  }
}

for (const [fault, message] of [
  ['throw', 'thrown in a timer'],
  ['reject', 'rejected by nobody'],
] as const) {
  test(`an error that nobody caught (${fault}) is logged, the server drains and ends as a fault`, async (t) => {
    const server = new FaultyServer(t, fault);
    await within(server.ended, 60_000, 'the end');
    assert.match(server.text, new RegExp(`unforeseen error, stopping: ${message}`));
    assert.match(server.text, /draining\nending fault/);
  });
}

test('one signal drains and stops', async (t) => {
  const server = new FaultyServer(t, 'none');
  await server.printed('started');
  server.child.kill('SIGTERM');
  await within(server.ended, 60_000, 'the end');
  assert.match(server.text, /draining\nending stopped/);
});

test('a second signal stops at once what hangs', async (t) => {
  const server = new FaultyServer(t, 'hang');
  await server.printed('started');
  server.child.kill('SIGINT');
  await server.printed('draining');
  server.child.kill('SIGTERM');
  await within(server.ended, 60_000, 'the end');
  assert.match(server.text, /second signal: stopping at once\nending cut/);
});

for (const signal of ['SIGHUP', 'SIGUSR2'] as const) {
  test(`${signal} reloads, once for all that come together`, async (t) => {
    const server = new FaultyServer(t, 'none');
    await server.printed('started');
    for (let i = 0; i < 5; i++) server.child.kill(signal);
    await server.printed('the configuration was reloaded');
    server.child.kill('SIGTERM');
    await within(server.ended, 60_000, 'the end');
    assert.match(server.text, /ending stopped/);
    assert.equal(server.text.split('the configuration was reloaded').length, 2);
  });
}

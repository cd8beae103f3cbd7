// rrts workers -i on a real terminal: drawn again and again, ended by a key, and the terminal is left as it was.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { cliCommand } from '../helpers/paths.ts';
import { ask } from '../helpers/request.ts';
import { runtimeDirectory, type ServerProcess, startServer } from '../helpers/start-server.ts';
import { eventually, within } from '../helpers/wait-for.ts';
import { SDK_JSON } from './kinds.ts';

const SCRIPT = '/usr/bin/script';
/** Why there is no terminal to be had: no program for it, or a sandbox without /dev/pts. */
const NO_TERMINAL =
  spawnSync(SCRIPT, ['-qec', 'true', '/dev/null'], { stdio: 'ignore', timeout: 10_000 }).status === 0
    ? undefined
    : 'this machine gives no pseudo terminal';
const SHOW_CURSOR = '\u001b[?25h';

/** Runs the view on a pseudo terminal of util-linux's script, then prints the settings of that terminal. */
function onTerminal(t: TestContext, server: ServerProcess) {
  const words = [...cliCommand(), 'workers', '-i', '-c', server.dir.file('app.yaml')];
  const line = `stty rows 30 cols 120; ${words.map((word) => `'${word}'`).join(' ')}; echo "code $?"; stty -a`;
  const child = spawn(SCRIPT, ['-qec', line, '/dev/null'], {
    env: { ...process.env, ...runtimeDirectory(server.dir), SHELL: '/bin/sh', TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const screen = { text: '' };
  child.stdout.on('data', (chunk) => {
    screen.text += chunk;
  });
  return { screen, type: (key: string) => child.stdin.write(key), ended: once(child, 'close') };
}

describe('the live view on a terminal', { concurrency: 2 }, () => {
  for (const [name, key] of [
    ['q', 'q'],
    ['Ctrl-C', '\u0003'],
  ] as const) {
    test(`it follows what happens; ${name} ends it and leaves the terminal as it was`, async (t) => {
      if (NO_TERMINAL !== undefined) return t.skip(NO_TERMINAL);
      const server = await startServer({ command: SDK_JSON.command });
      t.after(() => server.discard());
      const { screen, type, ended } = onTerminal(t, server);
      const pictures = (): number => screen.text.split('q ends').length - 1;
      await eventually(() => pictures() >= 1, 'a picture', 20_000);
      const slow = ask(server, '/sleep?ms=60000').catch(() => undefined);
      await eventually(() => screen.text.includes('GET /sleep?ms=60000'), 'the request that runs', 20_000);
      const before = pictures();
      await eventually(() => pictures() > before, 'a further picture', 20_000);
      type(key);
      await within(ended, 20_000, 'the end of the view');
      assert.match(screen.text, /code 0\r\n/);
      assert.ok(screen.text.lastIndexOf(SHOW_CURSOR) > screen.text.lastIndexOf('q ends'), 'the cursor is shown again');
      assert.match(screen.text, / icanon/);
      assert.match(screen.text, / echo /);
      server.child.kill('SIGKILL');
      await slow;
      t.diagnostic(`${pictures()} pictures`);
    });
  }

  test('a server that goes away ends it with the reason', async (t) => {
    if (NO_TERMINAL !== undefined) return t.skip(NO_TERMINAL);
    const server = await startServer({ command: SDK_JSON.command });
    t.after(() => server.discard());
    const { screen, ended } = onTerminal(t, server);
    await eventually(() => screen.text.includes('q ends'), 'a picture', 20_000);
    await server.stop();
    await within(ended, 20_000, 'the end of the view');
    assert.match(screen.text, /rrts: .*the server closed the connection\r\n/);
    assert.match(screen.text, /code 69\r\n/);
    assert.match(screen.text, / icanon/);
  });
});

// A token from the environment to whoever needs it: the listener, the workers, the commands; and to nobody else.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { runCli, runFor } from '../cli/run-cli.ts';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { ROOT } from '../helpers/paths.ts';
import { ask } from '../helpers/request.ts';
import { startServer } from '../helpers/start-server.ts';
import { RpcClient } from '../plugins/rpc/rpc-client.ts';
import { SDK_JSON } from './kinds.ts';

const SCRIPT = `require 'php-client/vendor/autoload.php';
try {
    echo json_encode(Rrts\\Rpc\\Rpc::fromEnvironment()->call('informer.List', true));
} catch (Rrts\\Exception\\RpcException $exception) {
    echo $exception->errorCode;
}`;

/** What a script of our PHP package gets that is started with the environment of a worker. */
async function callFromPhp(port: number, token: string): Promise<string> {
  const env = { ...process.env, RR_RPC: `tcp://127.0.0.1:${port}`, RRTS_RPC_TOKEN: token };
  const { stdout } = await promisify(execFile)('php', ['-r', SCRIPT], { cwd: ROOT, env, timeout: 20_000 });
  return stdout;
}

// Only digits: YAML would read a number.
for (const token of ['correct-horse-battery-staple', '12345678901234567890']) {
  describe(`the token ${token}`, () => {
    test('is asked for on every interface, given to workers and commands, and shown nowhere', async (t) => {
      const port = await freePort();
      const server = await startServer({
        command: SDK_JSON.command,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: so it is written in YAML
        config: { rpc: { listen: `0.0.0.0:${port}`, token: '${RPC_TOKEN}' } },
        environment: { RPC_TOKEN: token },
      });
      t.after(() => server.discard());
      await server.waitForLog(mentions(/rpc listens/), 'that rpc listens');
      await server.waitForLog(mentions(/rpc\.listen: calls and the token travel unencrypted/), 'of the warning');
      assert.equal((await ask(server, '/env?name=RRTS_RPC_TOKEN')).text, token);
      assert.equal((await ask(server, '/env?name=RR_RPC')).text, `tcp://0.0.0.0:${port}`);
      const client = new RpcClient({ port, host: '127.0.0.1' });
      t.after(() => client.close());
      await assert.rejects(client.call('informer.List', true), { message: /has to call rpc\.Authenticate/ });
      assert.equal(await client.call('rpc.Authenticate', token), true);
      assert.deepEqual(await client.call('informer.List', true), ['http']);
      const config = Buffer.from(await client.call<string>('rpc.Config', true), 'base64').toString();
      assert.match(config, /"token":"\[redacted\]"/);
      assert.ok(!config.includes(token));
      await client.call('resetter.Reset', 'http');
      assert.equal(await callFromPhp(port, token), '["http"]');
      assert.match(await callFromPhp(port, `${token}x`), /^ERR_RPC_TOKEN/);
      // Without the control socket the commands take the way over rpc.listen.
      const environment = { RPC_TOKEN: token };
      const elsewhere = { ...environment, RUNTIME_DIRECTORY: '/nowhere', XDG_RUNTIME_DIR: '/nowhere' };
      const words = ['workers', '-o', 'control.socket='];
      const listed = await runFor(t, server, words, { environment: elsewhere });
      assert.deepEqual([listed.code, listed.stderr], [0, '']);
      assert.match(listed.stdout, /http/);
      const refused = await runFor(t, server, words, { environment: { ...elsewhere, RPC_TOKEN: `${token}x` } });
      assert.equal(refused.code, 69, refused.stderr);
      assert.match(refused.stderr, /not the token/);
      const printed = await runFor(t, server, ['config', 'print'], { environment });
      assert.match(printed.stdout, /token: "?\[redacted\]/);
      assert.ok(!printed.stdout.includes(token) && !printed.stderr.includes(token));
      await server.stop();
      assert.ok(!server.logs.text().includes(token));
    });
  });
}

test('a token that is too short is an error that does not show it', async (t) => {
  const files = { '.rr.yaml': 'version: "3"\nrpc:\n  token: short-secret\n' };
  const { code, stdout, stderr } = await runCli(t, ['config', 'check'], { files });
  assert.equal(code, 78);
  assert.match(stdout + stderr, /rpc\.token.*16 to 512 printable characters/);
  assert.ok(!(stdout + stderr).includes('short-secret'));
});

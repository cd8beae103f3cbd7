// The section `service` in a whole server: nothing is left of it however the server ends, mistakes are told, a reload changes it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { stringify } from 'yaml';
import { freePort } from '../helpers/free-port.ts';
import { mentions } from '../helpers/log-lines.ts';
import { fixture } from '../helpers/paths.ts';
import { processesMarked } from '../helpers/processes.ts';
import { baseConfig, type ConfigTree, type ServerProcess, spawnServer, startServer } from '../helpers/start-server.ts';
import { eventually } from '../helpers/wait-for.ts';

/** What must come, on a machine that is busy too. Less than the minute that a service may take to stop. */
const LATEST_MS = 30_000;

const command = ['php', fixture('sdk-json.php')];

async function start(t: TestContext, service: ConfigTree): Promise<ServerProcess> {
  const server = await startServer({ command, config: { service } });
  t.after(() => server.discard());
  return server;
}

const sleeping = (server: ServerProcess, seconds: number): number =>
  processesMarked(server.mark).filter((one) => one.command === `sleep ${seconds}`).length;

test('services run before the server is ready, and end with it', async (t) => {
  const server = await start(t, {
    one: { command: 'sleep 601', process_num: 2 },
    two: { command: ['sh', '-c', 'sleep 602; true'] },
  });
  await eventually(() => sleeping(server, 601) === 2 && sleeping(server, 602) === 1, 'three processes', LATEST_MS);
  const health = await fetch(`http://127.0.0.1:${server.statusPort}/health?plugin=service`);
  assert.equal(health.status, 200);
  await server.stop();
});

test('services do not outlive a server that is killed', async (t) => {
  const server = await start(t, { one: { command: 'sleep 603', process_num: 2 } });
  await eventually(() => sleeping(server, 603) === 2, 'two processes', LATEST_MS);
  server.child.kill('SIGKILL');
  await server.ended;
  await eventually(() => sleeping(server, 603) === 0, 'their end', LATEST_MS);
});

test('a second signal ends the server at once, and what a service has started with it', async (t) => {
  const deaf = ['sh', '-c', 'trap "" INT; sleep 604 & while :; do sleep 0.05; done'];
  const server = await start(t, { deaf: { command: deaf, timeout_stop_sec: 60 } });
  await eventually(() => sleeping(server, 604) === 1, 'its process', LATEST_MS);
  server.child.kill('SIGTERM');
  await server.waitForLog(mentions(/stop|signal|SIGTERM/i), 'that it stops', LATEST_MS);
  server.child.kill('SIGTERM');
  await server.waitForEnd(LATEST_MS);
});

test('a command that is not there is one clear line', async (t) => {
  const server = await spawnServer({ command, config: { service: { bad: { command: '/no/such/program --now' } } } });
  t.after(() => server.discard());
  assert.notEqual((await server.waitForEnd()).code, 0);
  assert.match(server.logs.text(), /cannot start \\?"\/no\/such\/program --now\\?": \/no\/such\/program: not found/);
  assert.doesNotMatch(server.logs.text(), /\n\s+at /);
});

test('wrong keys are errors of the configuration', async (t) => {
  const service = { x: { command: '', process_num: 0, restart_sec: -1, exec_timeout: 5, comand: 'y' } };
  const server = await spawnServer({ command, config: { service } });
  t.after(() => server.discard());
  assert.equal((await server.waitForEnd()).code, 78);
  for (const key of ['command', 'process_num', 'restart_sec', 'exec_timeout', 'comand']) {
    assert.match(server.logs.text(), new RegExp(`service\\.x\\.${key}`));
  }
});

test('without server.user a service runs as root only when that is allowed', {
  skip: process.getuid?.() !== 0,
}, async (t) => {
  const config = { service: { x: { command: 'sleep 605', user: 'root' } }, server: { user: 'daemon' } };
  const server = await spawnServer({ command, config, environment: { RRTS_ALLOW_ROOT: '' } });
  t.after(() => server.discard());
  assert.notEqual((await server.waitForEnd()).code, 0);
  assert.match(server.logs.text(), /service\.x\.user: "?root"? is root, and PHP shall not|"root" is root/);
});

test('a reload starts, stops and replaces what changed in the section', async (t) => {
  const server = await start(t, { kept: { command: 'sleep 606' }, gone: { command: 'sleep 607' } });
  await eventually(() => sleeping(server, 606) === 1 && sleeping(server, 607) === 1, 'both', LATEST_MS);
  const [kept] = processesMarked(server.mark).filter((one) => one.command === 'sleep 606');
  const service = { kept: { command: 'sleep 606' }, added: { command: 'sleep 608' } };
  const changed = { ...baseConfig(server.port, server.statusPort, command), service };
  writeFileSync(server.dir.file('app.yaml'), stringify(changed));
  server.child.kill('SIGHUP');
  await eventually(() => sleeping(server, 607) === 0 && sleeping(server, 608) === 1, 'the change', LATEST_MS);
  const [still] = processesMarked(server.mark).filter((one) => one.command === 'sleep 606');
  assert.equal(still?.pid, kept?.pid);
  await server.waitForLog(mentions(/the configuration was reloaded/), 'the reload', LATEST_MS);
  await server.stop();
});

test('the processes of services are counted', async (t) => {
  const port = await freePort();
  const config = {
    metrics: { address: `127.0.0.1:${port}` },
    service: { x: { command: 'sleep 609', process_num: 3 } },
  };
  const server = await startServer({ command, config });
  t.after(() => server.discard());
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(text, /^rrts_service_processes\{service="x"\} 3$/m);
  assert.match(text, /^rrts_service_restarts_total\{service="x"\} 0$/m);
  assert.match(text, /^rrts_service_memory_bytes\{service="x"\} \d+$/m);
  await server.stop();
});

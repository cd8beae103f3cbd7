// rrts as process 1 of a container: with tini orphans are reaped, without it a warning says so.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { SDK_JSON } from '../../e2e/kinds.ts';
import { mentions } from '../../helpers/log-lines.ts';
import { processesMarked } from '../../helpers/processes.ts';
import { ask } from '../../helpers/request.ts';
import { type ServerProcess, startServer } from '../../helpers/start-server.ts';
import { eventually } from '../../helpers/wait-for.ts';
import { report } from '../rig/report.ts';

const ORPHANS = 100;
const CONTAINER = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child=SIGKILL', '--'];
const WARNING = /process 1.*(tini|--init)/;

/** Zombies whose parent is the process that is number 1 in there. */
function zombiesOf(parent: number): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' && Number(ppid) === parent;
    } catch {
      return false; // gone
    }
  }).length;
}

/** The number that process 1 of the container has out here. */
function processOne(server: ServerProcess): number {
  const [first] = processesMarked(server.mark).filter(({ parent }) => parent === server.pid);
  assert.ok(first !== undefined, 'there is a process 1');
  return first.pid;
}

async function startInContainer(t: TestContext, init: readonly string[]): Promise<ServerProcess | undefined> {
  const [program = '', ...words] = [...CONTAINER, ...init];
  const probe = spawnSync(program, [...words, 'true']);
  if (probe.status !== 0) {
    t.skip(`this machine cannot do it: ${probe.error?.message ?? probe.stderr.toString().trim()}`);
    return undefined;
  }
  const server = await startServer({ command: SDK_JSON.command, launcher: [program, ...words] });
  t.after(() => server.discard());
  return server;
}

describe('as process 1', () => {
  test(`R21 behind tini ${ORPHANS} orphans are reaped`, async (t) => {
    const server = await startInContainer(t, ['tini', '--']);
    if (server === undefined) return;
    assert.equal(server.logs.all(mentions(WARNING)).length, 0);
    const one = processOne(server);
    assert.equal((await ask(server, `/do/orphan/${ORPHANS}`, { method: 'POST' })).status, 200);
    const begin = performance.now();
    await eventually(() => processesMarked(server.mark).length <= 5, 'the orphans to end', 20_000);
    await eventually(() => zombiesOf(one) === 0, 'no zombie', 20_000);
    report(t, { orphans: ORPHANS, zombies: zombiesOf(one), ms: performance.now() - begin });
    process.kill(one, 'SIGTERM');
    assert.equal((await server.waitForEnd()).code, 0);
  });

  test('R21 without it the log says what to do, and everything else works', async (t) => {
    const server = await startInContainer(t, []);
    if (server === undefined) return;
    const one = processOne(server);
    assert.equal(server.logs.all(mentions(WARNING)).length, 1, server.logs.tail());
    assert.equal((await ask(server, `/do/orphan/${ORPHANS}`, { method: 'POST' })).status, 200);
    report(t, { orphans: ORPHANS, zombies: zombiesOf(one) });
    process.kill(one, 'SIGTERM');
    assert.equal((await server.waitForEnd()).code, 0);
  });
});

// Services with real processes: started again, ended, killed, changed; nothing of them is left.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { camelCased } from '../../../src/core/camel-case.ts';
import type { Logger } from '../../../src/core/logger.ts';
import { parseDuration } from '../../../src/core/scalars.ts';
import { programWords } from '../../../src/plugins/program/program-options.ts';
import { type ServiceSection, serviceSchema } from '../../../src/plugins/service/config.ts';
import { Services } from '../../../src/plugins/service/services.ts';
import { backOff } from '../../../src/pool/back-off.ts';
import { findLaunchers } from '../../../src/worker/spawn.ts';
import { isAlive, killMarked, MARK, processesMarked } from '../../helpers/processes.ts';
import { eventually, within } from '../../helpers/wait-for.ts';

interface Line {
  readonly level: string;
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

function recorder(lines: Line[], bindings: object = { logger: 'service' }): Logger {
  const at = (level: string) => (facts: object, text: string) => {
    lines.push({ level, text, facts: { ...bindings, ...facts } });
  };
  const child = (more: object): Logger => recorder(lines, { ...bindings, ...more });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child };
}

/** What must come, on a machine that is busy too. */
function soon(look: () => boolean, what: string): Promise<boolean> {
  return eventually(look, what, 30_000);
}

function section(written: Readonly<Record<string, object>>): ServiceSection {
  return camelCased(serviceSchema, serviceSchema.parse(written));
}

/** A command of the shell that stays in the foreground. */
const shell = (script: string): string[] => ['sh', '-c', script];
const LOOP = shell('trap "exit 0" INT; while :; do sleep 0.05; done');

function rig(t: TestContext) {
  const mark = randomUUID();
  const lines: Line[] = [];
  const services = new Services({
    logger: recorder(lines),
    launchers: findLaunchers(),
    directory: '/tmp',
    settings: () => ({
      environment: { PATH: process.env['PATH'], [MARK]: mark },
      rpcAddress: 'tcp://127.0.0.1:6001',
      rpcToken: undefined,
      user: undefined,
      group: undefined,
    }),
  });
  t.after(async () => {
    await services.stop(0);
    killMarked(mark);
  });
  const pids = (name: string): number[] => services.find(name).processes.map(({ pid }) => pid);
  const texts = (pattern: RegExp): string[] => lines.map(({ text }) => text).filter((text) => pattern.test(text));
  const left = () => processesMarked(mark);
  return { services, lines, texts, pids, left };
}

test('runs as often as asked, with its environment; its output is in the log; a stop leaves nothing', async (t) => {
  const { services, lines, pids, left } = rig(t);
  const print = shell(
    'echo "$GREETING $RR_RPC $(pwd)"; echo oops >&2; trap "exit 0" INT; while :; do sleep 0.05; done',
  );
  const env = { greeting: 'hello' };
  await services.configure(
    section({
      plain: { command: print, process_num: 2, env },
      named: { command: print, env, service_name_in_log: true },
    }),
  );
  assert.equal(new Set([...pids('plain'), ...pids('named')]).size, 3);
  await soon(() => lines.filter(({ text }) => text === 'oops').length === 3, 'the output');
  const said = lines.filter(({ text }) => text === 'hello tcp://127.0.0.1:6001 /tmp');
  assert.equal(said.length, 3);
  assert.deepEqual(said.map(({ facts }) => [facts['logger'], facts['service']].join(' ')).sort(), [
    'service plain',
    'service plain',
    'service.named named',
  ]);
  await services.stop(5000);
  assert.deepEqual(left(), []);
});

test('one that ends starts again when it shall, and not otherwise; a short run waits longer each time', async (t) => {
  const { services, texts, left } = rig(t);
  const fails = { command: shell('echo "no database" >&2; exit 3'), remain_after_exit: true, restart_sec: 0 };
  await services.configure(section({ once: { command: 'true', restart_sec: 0 }, fails }));
  await soon(() => services.find('fails').restarts >= 3 && services.find('fails').failing, 'three short runs');
  const ends = texts(/^service fails ended with code 3 after /).slice(0, 3);
  let short = 0;
  for (const end of ends) {
    const [, ran = '', wait, said] = /after (\S+); it starts again in (\S+); it printed last: (.*)$/.exec(end) ?? [];
    // On a busy machine a run that ends at once may take a second.
    short = Number(parseDuration(ran)) < 1000 ? short + 1 : 0;
    assert.deepEqual([parseDuration(wait ?? ''), said], [backOff(short), 'no database'], end);
  }
  await soon(() => texts(/^service once ended with code 0/).length === 1, 'the end of the other');
  assert.deepEqual(
    services.find('once').processes.map(({ running, message }) => [running, message]),
    [[false, 'ended with code 0']],
  );
  await services.stop(5000);
  assert.deepEqual(left(), []);
});

test('one that ignores SIGINT is killed after its time, with what it had started; exec_timeout ends a run', async (t) => {
  const { services, texts, left, pids } = rig(t);
  const deaf = shell('trap "" INT; sleep 600 & while :; do sleep 0.05; done');
  const slow = { command: shell('sleep 600'), exec_timeout: '200ms', remain_after_exit: true, restart_sec: 0.1 };
  await services.configure(section({ deaf: { command: deaf, timeout_stop_sec: 0.3 }, slow }));
  await soon(() => left().length >= 4, 'all processes');
  const [first] = pids('slow');
  await soon(() => services.find('slow').restarts >= 1, 'the restart');
  assert.equal(isAlive(first ?? 0), false);
  assert.ok(texts(/^service slow ran longer than exec_timeout \(200ms\) and is ended$/).length >= 1);
  const before = performance.now();
  await within(services.terminate('deaf'), 30_000, 'the end of one that ignores its signal');
  const took = performance.now() - before;
  assert.ok(took >= 290, `${took} ms`);
  assert.throws(() => services.find('deaf'), /no such service: deaf/);
  await services.stop(5000);
  assert.deepEqual(left(), []);
});

test('it is asked to end by its own stop signal', async (t) => {
  const { services, texts, left } = rig(t);
  const polite = shell('trap "echo finished; exit 0" TERM; trap "" INT; echo up; while :; do sleep 0.02; done');
  await services.configure(section({ polite: { command: polite, stop_signal: 'SIGTERM', timeout_stop_sec: 10 } }));
  await soon(() => texts(/^up$/).length === 1, 'its start');
  await services.stop(10_000);
  assert.equal(texts(/^finished$/).length, 1);
  assert.deepEqual(left(), []);
});

test('what a process leaves in its group does not outlive it', async (t) => {
  const { services, left } = rig(t);
  await services.configure(section({ leaves: { command: shell('sleep 600 & exit 0') } }));
  await soon(() => !(services.find('leaves').processes[0]?.running ?? true), 'its end');
  assert.deepEqual(left(), []);
});

test('a command that is not there fails the start, names its key, and leaves nothing', async (t) => {
  const { services, left } = rig(t);
  await assert.rejects(
    services.configure(section({ good: { command: LOOP }, bad: { command: 'no-such-program -x' } })),
    {
      code: 'ERR_WORKER_SPAWN',
      place: 'service.bad.command',
      message: /cannot start "no-such-program -x": no-such-program: not found/,
    },
  );
  assert.deepEqual(services.all, []);
  assert.deepEqual(left(), []);
});

test('created, restarted and terminated; names are there once; changes do not cross', async (t) => {
  const { services, pids, left } = rig(t);
  const config = section({ x: { command: LOOP } })['x'];
  assert.ok(config !== undefined);
  const results = await Promise.allSettled([1, 2, 3].map(() => services.create('x', config)));
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected']);
  const [before] = pids('x');
  await Promise.all([services.restart('x'), services.restart('x')]);
  assert.notEqual(pids('x')[0], before);
  // Before its exec it is setpriv still.
  await soon(() => left().filter(({ command }) => command.startsWith('sh')).length === 1, 'one process');
  await assert.rejects(services.create('x', config), {
    code: 'ERR_RPC_ARGUMENT',
    message: 'the service x exists already',
  });
  await assert.rejects(services.create('many', { ...config, processNum: 1000 }), /1001 processes; 1000 are allowed/);
  for (const change of ['terminate', 'restart'] as const) {
    await assert.rejects(services[change]('y'), { code: 'ERR_RPC_ARGUMENT', message: 'no such service: y' });
  }
  await services.terminate('x');
  assert.deepEqual(left(), []);
});

test('a reload changes what changed; one that fails takes everything back', async (t) => {
  const { services, pids, left } = rig(t);
  const [kept, gone, other] = [{ command: LOOP }, { command: LOOP }, { command: LOOP, process_num: 2 }];
  await services.configure(section({ kept, gone, changed: { command: LOOP } }));
  const created = section({ x: { command: LOOP } })['x'];
  assert.ok(created !== undefined);
  await services.create('created', created);
  const before = [...pids('kept'), ...pids('created')];
  await services.configure(section({ kept, changed: other, added: { command: LOOP } }));
  assert.deepEqual(services.all.map(({ name }) => name).sort(), ['added', 'changed', 'created', 'kept']);
  assert.deepEqual([...pids('kept'), ...pids('created')], before);
  assert.equal(pids('changed').length, 2);
  await assert.rejects(
    services.configure(section({ kept, changed: { command: 'no-such-program' } })),
    /no-such-program/,
  );
  assert.deepEqual(services.all.map(({ name }) => name).sort(), ['added', 'changed', 'created', 'kept']);
  assert.equal(pids('changed').length, 2);
  assert.deepEqual([...pids('kept'), ...pids('created')], before);
  await services.stop(5000);
  assert.deepEqual(left(), []);
});

test('a stop while one is being started again leaves nothing', async (t) => {
  const { services, left } = rig(t);
  await services.configure(
    section({ quick: { command: 'true', process_num: 8, remain_after_exit: true, restart_sec: 0 } }),
  );
  await soon(() => services.find('quick').restarts > 4, 'restarts');
  await services.stop(5000);
  assert.deepEqual(left(), []);
});

test('a command is split on spaces only', () => {
  assert.deepEqual(programWords('php  consume.php --queues=a,b'), ['php', 'consume.php', '--queues=a,b']);
  assert.deepEqual(programWords(['php', 'a b']), ['php', 'a b']);
});

// The composition root: order of start and stop, failed starts, deadlines, on_init.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { camelCased } from '../../src/core/camel-case.ts';
import { RrtsError } from '../../src/core/errors.ts';
import type { PluginContext } from '../../src/plugins/plugin.ts';
import { poolSchema } from '../../src/pool/config.ts';
import type { AnyPluginType } from '../../src/server/built-in-plugins.ts';
import { Server } from '../../src/server/server.ts';
import { fixture, ROOT } from '../helpers/paths.ts';
import { eventually, within } from '../helpers/wait-for.ts';
import { type Behaviour, configFor, fakePlugin, KeptLog } from './fake-plugins.ts';

const FIXTURE_SERVER = { command: ['php', fixture('sdk-json.php')] };

function serverOf(pluginTypes: readonly AnyPluginType[], host: Readonly<Record<string, unknown>> = {}) {
  const logger = new KeptLog();
  const config = configFor(
    pluginTypes.map(({ name }) => name),
    host,
  );
  return { server: new Server({ config, logger, environment: process.env, cwd: ROOT, pluginTypes }), logger };
}

/** A plugin's start that makes a pool of one worker. */
function withPool(command: readonly string[], allocateTimeout = '10s'): NonNullable<Behaviour['start']> {
  return async (context) => {
    const config = camelCased(
      poolSchema,
      poolSchema.parse({ num_workers: 1, command: [...command], allocate_timeout: allocateTimeout }),
    );
    await context.createPool({ name: 'fake', config, mode: 'http', sdkCodec: 'json' });
  };
}

describe('start and stop', () => {
  test('in order, and in reverse', async () => {
    const events: string[] = [];
    const { server } = serverOf(['a', 'b', 'c'].map((name) => fakePlugin(name, events)));
    await server.start();
    assert.equal(server.stopping, false);
    await Promise.all([server.stop(), server.stop()]);
    assert.deepEqual(events, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  test('a plugin that cannot start: those before it and itself are stopped, the error goes on', async () => {
    const events: string[] = [];
    const failing = async (): Promise<void> => {
      throw new RrtsError('ERR_LISTEN', 'no port');
    };
    const { server } = serverOf([
      fakePlugin('a', events),
      fakePlugin('b', events, { start: failing }),
      fakePlugin('c', events),
    ]);
    await assert.rejects(server.start(), { code: 'ERR_LISTEN', message: 'no port' });
    assert.deepEqual(events, ['start a', 'start b', 'stop b', 'stop a']);
  });

  test('a plugin that never stops is left after its grace, and one that throws is logged', async () => {
    const events: string[] = [];
    const never = (): Promise<void> => new Promise(() => undefined);
    const throwing = async (): Promise<void> => {
      throw new Error('broken stop');
    };
    const { server, logger } = serverOf([
      fakePlugin('a', events),
      fakePlugin('b', events, { stop: throwing }),
      fakePlugin('c', events, { stop: never }),
    ]);
    await server.start();
    await within(server.stop(50), 20_000, 'the end of the stop');
    assert.deepEqual(events.slice(3), ['stop c', 'stop b', 'stop a']);
    assert.ok(logger.lines.some((line) => line.startsWith('warn c did not stop within')));
    assert.ok(logger.lines.includes('error b could not be stopped: broken stop'));
  });

  test('nothing to serve is an error', async () => {
    const { server } = serverOf([]);
    await assert.rejects(server.start(), {
      code: 'ERR_CONFIG_INVALID',
      message: 'the configuration has nothing to serve',
    });
  });

  test('health checks, metrics and stopping are shared between plugins', async () => {
    let seen: PluginContext | undefined;
    const register = async (context: PluginContext): Promise<void> => {
      context.registerHealthCheck('a', () => ({ live: true, ready: true, message: '' }));
    };
    const look = async (context: PluginContext): Promise<void> => {
      seen = context;
    };
    const { server } = serverOf([fakePlugin('a', [], { start: register }), fakePlugin('b', [], { start: look })]);
    await server.start();
    assert.deepEqual([...(seen?.healthChecks().keys() ?? [])], ['a']);
    assert.equal(seen?.stopping, false);
    await server.stop();
    assert.equal(seen?.stopping, true);
  });
});

describe('RPC services', () => {
  test('those of the server are there; a plugin adds its own, and all see them', async () => {
    let seen: PluginContext | undefined;
    const add = async (context: PluginContext): Promise<void> => {
      context.registerRpc('clock', { Now: () => 12 });
    };
    const look = async (context: PluginContext): Promise<void> => {
      seen = context;
    };
    const { server } = serverOf([fakePlugin('a', [], { start: add }), fakePlugin('b', [], { start: look })]);
    await server.start();
    const names = [...server.rpcServices.keys()];
    for (const name of ['rpc', 'informer', 'resetter', 'clock']) assert.ok(names.includes(name), name);
    assert.equal(await seen?.callRpc('clock.Now', undefined), 12);
    assert.equal(server.phase, 'ready');
    await server.stop();
    assert.equal(server.phase, 'stopping');
  });

  test('control belongs to the server', async () => {
    const take = async (context: PluginContext): Promise<void> => context.registerRpc('control', { Stop: () => true });
    const { server } = serverOf([fakePlugin('a', [], { start: take })]);
    await assert.rejects(server.start(), /a: the RPC service control belongs to the server/);
  });
});

describe('pools', () => {
  test('belong to the plugin that made them and stop after it', async () => {
    const events: string[] = [];
    let context: PluginContext | undefined;
    const start: NonNullable<Behaviour['start']> = async (given) => {
      context = given;
      await withPool(FIXTURE_SERVER.command)(given);
    };
    const stop = async (): Promise<void> => {
      events.push(`workers ${context?.pools()[0]?.stats().ready}`);
    };
    const { server } = serverOf([fakePlugin('a', events, { start, stop })], { server: FIXTURE_SERVER });
    await server.start();
    const [pid = 0] = server.pids;
    assert.ok(pid > 0);
    await server.stop();
    assert.deepEqual(events, ['start a', 'stop a', 'workers 1']);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  test('a stop during the boot ends the boot at once', async () => {
    const start = withPool(['php', fixture('misbehaving/never-answers.php')], '60s');
    const { server } = serverOf([fakePlugin('a', [], { start })], { server: FIXTURE_SERVER });
    const started = server.start();
    started.catch(() => undefined);
    await eventually(() => server.pids.length > 0, 'a worker that boots');
    const [pid = 0] = server.pids;
    await within(server.stop(), 20_000, 'the end of the stop');
    await assert.rejects(within(started, 20_000, 'the end of the start'));
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
});

describe('on_init', () => {
  const onInit = (more: object): Readonly<Record<string, unknown>> => ({
    server: { command: 'php worker.php', on_init: { exit_on_error: true, ...more } },
  });

  test('runs before the plugins, with its environment; its output is logged', async () => {
    const events: string[] = [];
    const command = ['php', '-r', 'echo "warm ", getenv("GREETING"), "\\n";'];
    const { server, logger } = serverOf([fakePlugin('a', events)], onInit({ command, env: { greeting: 'hello' } }));
    await server.start();
    await server.stop();
    assert.ok(
      logger.lines.some((line) => line.endsWith('warm hello')),
      logger.lines.join('\n'),
    );
    assert.deepEqual(events, ['start a', 'stop a']);
  });

  test('a failure ends the start when exit_on_error is set, and names code and last lines', async () => {
    const events: string[] = [];
    const command = ['php', '-r', 'echo "no database\\n"; exit(3);'];
    const { server } = serverOf([fakePlugin('a', events)], onInit({ command }));
    await assert.rejects(server.start(), (error) => {
      assert.ok(error instanceof RrtsError);
      assert.equal(error.code, 'ERR_ON_INIT');
      assert.match(error.message, /ended with code 3; it printed last: no database/);
      return true;
    });
    assert.deepEqual(events, []);
  });

  test('a failure is a warning when it is not set', async () => {
    const events: string[] = [];
    const { server, logger } = serverOf(
      [fakePlugin('a', events)],
      onInit({ command: '/nowhere/warm', exit_on_error: false }),
    );
    await server.start();
    await server.stop();
    assert.deepEqual(events, ['start a', 'stop a']);
    assert.ok(logger.lines.some((line) => /^warn server\.on_init failed: the command was not found/.test(line)));
  });

  test('it is ended when it takes too long', async () => {
    const command = ['php', '-r', 'sleep(60);'];
    const { server } = serverOf([fakePlugin('a', [])], onInit({ command, exec_timeout: '200ms' }));
    await assert.rejects(within(server.start(), 20_000, 'the end of the start'), /ran longer than 200ms/);
  });

  test('it is ended when the server is to stop', async () => {
    const command = ['php', '-r', 'echo "begun\\n"; sleep(60);'];
    const events: string[] = [];
    const { server, logger } = serverOf([fakePlugin('a', events)], onInit({ command }));
    const started = server.start();
    await eventually(() => logger.lines.some((line) => line.endsWith('begun')), 'a command that runs');
    await within(server.stop(), 20_000, 'the end of the stop');
    await within(started, 20_000, 'the end of the start');
    assert.deepEqual(events, []);
  });
});

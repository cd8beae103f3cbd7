// A take-over that fails half-way is taken back: plugins, pools and what is outside the server.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { camelCased } from '../../src/core/camel-case.ts';
import { LIVE } from '../../src/core/reload-mark.ts';
import type { PluginContext, PoolSpec } from '../../src/plugins/plugin.ts';
import { poolSchema } from '../../src/pool/config.ts';
import type { Pool } from '../../src/pool/pool.ts';
import type { AnyPluginType } from '../../src/server/built-in-plugins.ts';
import type { RootConfig } from '../../src/server/config.ts';
import { Server } from '../../src/server/server.ts';
import { fixture, ROOT } from '../helpers/paths.ts';
import { configFor, KeptLog } from './fake-plugins.ts';

const schema = z.object({ value: z.int() }).meta(LIVE);

/** A plugin that writes down what it is given, and fails at the values that `fails` names. */
function reloadable(name: string, events: string[], fails: readonly number[] = []): AnyPluginType {
  return {
    name,
    schema,
    create: () => ({
      start: async () => undefined,
      reload: async (config) => {
        const { value } = config as { value: number };
        if (fails.includes(value)) throw new Error(`${name} cannot take ${value}`);
        events.push(`${name} ${value}`);
      },
      stop: async () => undefined,
    }),
  };
}

function withValue(names: readonly string[], value: number): RootConfig {
  return { ...configFor(names), plugins: new Map(names.map((name) => [name, { value }])) };
}

function serverOf(pluginTypes: readonly AnyPluginType[], load?: () => RootConfig) {
  const logger = new KeptLog();
  const names = pluginTypes.map(({ name }) => name);
  const inForce: unknown[] = [];
  const server = new Server({
    config: withValue(names, 1),
    logger,
    environment: {},
    cwd: ROOT,
    pluginTypes,
    ...(load === undefined ? {} : { load: () => ({ config: load(), environment: {} }) }),
    onReload: (config) => inForce.push([...config.plugins.values()]),
  });
  return { server, logger, names, inForce };
}

test('every plugin gets its new section, in the order of the start', async () => {
  const events: string[] = [];
  const types = [reloadable('a', events), reloadable('b', events)];
  const { server } = serverOf(types, () => withValue(['a', 'b'], 2));
  await server.start();
  assert.deepEqual(await server.reload(), { applied: ['a.value', 'b.value'], restart: [] });
  assert.deepEqual(events, ['a 2', 'b 2']);
  await server.stop();
});

test('one that cannot: those before it get the old section back', async () => {
  const events: string[] = [];
  const types = [reloadable('a', events), reloadable('b', events, [2]), reloadable('c', events)];
  const { server, logger, inForce } = serverOf(types, () => withValue(['a', 'b', 'c'], 2));
  await server.start();
  await assert.rejects(server.reload(), /b cannot take 2/);
  assert.deepEqual(events, ['a 2', 'a 1']);
  assert.deepEqual(inForce.at(-1), [{ value: 1 }, { value: 1 }, { value: 1 }]);
  assert.ok(logger.lines.includes('error the reload failed, everything stays as it was: b cannot take 2'));
  await server.stop();
});

test('without a source of configuration it is a reset; before the start and after the stop it is refused', async () => {
  const events: string[] = [];
  const { server } = serverOf([reloadable('a', events)]);
  await assert.rejects(server.reload(), { code: 'ERR_POOL_STOPPED' });
  const started = server.start();
  assert.deepEqual(await server.reload(), { applied: [], restart: [] });
  await started;
  await server.stop();
  await assert.rejects(server.reload(), { code: 'ERR_POOL_STOPPED' });
  assert.deepEqual(events, ['a 1']);
});

test('reconfigurePool outside of a reload is a fault of the plugin', async () => {
  let context: PluginContext | undefined;
  const type: AnyPluginType = {
    name: 'a',
    schema,
    create: (_config, given) => {
      context = given;
      return { start: async () => undefined, stop: async () => undefined };
    },
  };
  const { server } = serverOf([type]);
  await server.start();
  await assert.rejects(async () => context?.reconfigurePool({} as never, {} as never), /only for pools of this server/);
  await server.stop();
});

/** A plugin with one pool of PHP workers; its section is the command. */
function pooled(name: string, pools: Map<string, Pool>, reloads = true): AnyPluginType {
  const spec = (config: unknown): PoolSpec => {
    const { command } = config as { command: string[] };
    const section = poolSchema.parse({ num_workers: 1, command, allocate_timeout: '10s' });
    return { name, config: camelCased(poolSchema, section), mode: 'http', sdkCodec: 'json' };
  };
  return {
    name,
    schema: z.object({ command: z.array(z.string()) }).meta(LIVE),
    create: (config, context) => ({
      start: async () => {
        pools.set(name, await context.createPool(spec(config)));
      },
      ...(reloads
        ? { reload: async (next: unknown) => context.reconfigurePool(pools.get(name) as Pool, spec(next)) }
        : {}),
      stop: async () => undefined,
    }),
  };
}

const GOOD = ['php', fixture('sdk-json.php')];
const OTHER = ['php', '-d', 'memory_limit=64M', fixture('sdk-json.php')];
const BROKEN = ['php', fixture('misbehaving/syntax-error.php')];

async function pooledServer(t: TestContext, types: (pools: Map<string, Pool>) => AnyPluginType[]) {
  const pools = new Map<string, Pool>();
  const pluginTypes = types(pools);
  const names = pluginTypes.map(({ name }) => name);
  const config = (commands: readonly string[][]): RootConfig => ({
    ...configFor(names),
    plugins: new Map(names.map((name, index) => [name, { command: commands[index] }])),
  });
  const wanted = { commands: names.map(() => GOOD) };
  const logger = new KeptLog();
  const server = new Server({
    config: config(wanted.commands),
    logger,
    environment: process.env,
    cwd: ROOT,
    pluginTypes,
    load: () => ({ config: config(wanted.commands), environment: process.env }),
  });
  t.after(() => server.stop(0));
  await server.start();
  const command = (name: string): string => pools.get(name)?.stats().command ?? '';
  const pid = (name: string): number | undefined => {
    return pools
      .get(name)
      ?.stats()
      .workers.find(({ state }) => state === 'ready')?.pid;
  };
  return { server, wanted, logger, command, pid };
}

test('a second pool that does not boot: the first one gets its old settings back', async (t) => {
  const { server, wanted, command, pid, logger } = await pooledServer(t, (pools) => [
    pooled('a', pools),
    pooled('b', pools),
  ]);
  const old = pid('b');
  wanted.commands = [OTHER, BROKEN];
  await assert.rejects(server.reload(), /syntax error/);
  assert.doesNotMatch(command('a'), /memory_limit/);
  assert.match(command('b'), /sdk-json/);
  assert.equal(pid('b'), old, 'its worker was never replaced');
  assert.ok(
    logger.lines.some((line) => /^error the reload failed, .*syntax error/.test(line)),
    logger.lines.join('\n'),
  );
  wanted.commands = [OTHER, OTHER];
  assert.deepEqual((await server.reload()).applied, ['a.command', 'b.command']);
  assert.match(command('a'), /memory_limit/);
  assert.match(command('b'), /memory_limit/);
  await server.stop();
});

test('the pool of a plugin that knows of no reload gets new workers all the same', async (t) => {
  const { server, command, pid } = await pooledServer(t, (pools) => [pooled('a', pools, false)]);
  const old = pid('a');
  await server.reload();
  assert.notEqual(pid('a'), old);
  assert.match(command('a'), /sdk-json/);
  await server.stop();
});

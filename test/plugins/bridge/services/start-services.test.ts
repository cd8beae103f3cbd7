// Services of the configuration: registered under their names, called as any RPC method.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { phpClass } from '../../../../src/cli/stubs/php-class.ts';
import { bridgeSchema } from '../../../../src/plugins/bridge/config.ts';
import { loadModule } from '../../../../src/plugins/bridge/load-module.ts';
import { loadServices } from '../../../../src/plugins/bridge/services/load-services.ts';
import { startServices } from '../../../../src/plugins/bridge/services/start-services.ts';
import { ROOT } from '../../../helpers/paths.ts';
import { makeTempDir } from '../../../helpers/temp-dir.ts';
import { fakeContext } from '../../fake-context.ts';

const GREETINGS = `import { CallError, defineService, z } from 'rrts';
const hidden: number = 1;
export default defineService({
  hello: { input: z.object({ name: z.string() }), output: z.object({ text: z.string() }), handler: ({ name }) => ({ text: 'Hello ' + name, hidden }) },
  refuse: { input: z.object({}), output: z.void(), handler: () => { throw new CallError('not you', 'ERR_RPC_BUSY'); } },
});
`;

test('a TypeScript file becomes a service, without a build', async (t) => {
  const dir = makeTempDir('services');
  t.after(() => dir.remove());
  mkdirSync(dir.file('services'));
  writeFileSync(dir.file('services/greetings.ts'), GREETINGS);
  const owners: string[] = [];
  const context = { ...fakeContext(() => []), directory: dir.path };
  const guard = <T>(owner: string, code: () => T): T => {
    owners.push(owner);
    return code();
  };
  await startServices({ services: { greetings: './services/greetings.ts' }, context, guard });
  assert.deepEqual(await context.callRpc('greetings.hello', { name: 'you' }), { __proto__: null, text: 'Hello you' });
  await assert.rejects(context.callRpc('greetings.hello', {}), { code: 'ERR_RPC_ARGUMENT', message: /^name: / });
  await assert.rejects(context.callRpc('greetings.refuse', {}), { code: 'ERR_RPC_BUSY', message: 'not you' });
  await assert.rejects(context.callRpc('greetings.bye', {}), { code: 'ERR_RPC_METHOD' });
  assert.deepEqual([...new Set(owners)], ['service greetings']);
  const gone = startServices({ services: { more: './services/more.ts' }, context, guard });
  await assert.rejects(gone, {
    code: 'ERR_BRIDGE_MODULE',
    message: /^bridge\.services\.more: the file .* does not exist/,
  });
});

test('schemas of a zod of the application, and of zod/mini', async (t) => {
  const dir = makeTempDir('services');
  t.after(() => dir.remove());
  cpSync(join(ROOT, 'node_modules/zod'), dir.file('node_modules/zod'), { recursive: true });
  for (const [name, from] of [
    ['own', 'zod'],
    ['mini', 'zod/mini'],
  ] as const) {
    const optional = name === 'own' ? "z.date().describe('until when').optional()" : 'z.optional(z.date())';
    const text = `import { bytes, defineService } from 'rrts';
import * as z from '${from}';
export const service = defineService({
  take: {
    input: z.object({ data: z.instanceof(Buffer), more: bytes(), at: ${optional}, kind: z._default(z.enum(['a', 'b']), 'b') }),
    output: z.object({ size: z.int(), at: z.optional(z.date()), kind: z.string() }),
    handler: ({ data, more, at, kind }) => ({ size: data.length + more.length, at, kind }),
  },
});`;
    writeFileSync(
      dir.file(`${name}.ts`),
      name === 'own' ? text.replace("z._default(z.enum(['a', 'b']), 'b')", "z.enum(['a', 'b']).default('b')") : text,
    );
    const context = { ...fakeContext(() => []), directory: dir.path };
    await startServices({ services: { [name]: `./${name}.ts` }, context, guard: (_, code) => code() });
    const at = '2026-01-02T03:04:05.000Z';
    const answer = await context.callRpc(`${name}.take`, { data: 'ab', more: Buffer.from([255]), at });
    assert.deepEqual(answer, { __proto__: null, size: 3, at, kind: 'b' });
    await assert.rejects(context.callRpc(`${name}.take`, { data: 'ab' }), {
      code: 'ERR_RPC_ARGUMENT',
      message: /^more: /,
    });
    const [loaded] = await loadServices({ services: { s: `./${name}.ts` }, directory: dir.path, load: loadModule });
    const php = phpClass({ service: 's', file: '', methods: loaded?.[1].methods ?? {}, namespace: 'A' });
    assert.match(php, /string \$data, string \$more, \?\\DateTimeInterface \$at = null, string \$kind = 'b'\): array/);
    if (name === 'own') assert.match(php, /\$at until when\n/);
  }
});

test('names of services', () => {
  const accepts = (name: string) => bridgeSchema.safeParse({ services: { [name]: './a.ts' } }).success;
  for (const name of ['thumbnails', 'image-tools', 'B2']) assert.ok(accepts(name), name);
  for (const name of ['kv', 'Bridge', 'control', 'a.b', '2a', '', '__proto__x', 'a b']) assert.ok(!accepts(name), name);
});

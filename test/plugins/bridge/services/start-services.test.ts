// Services of the configuration: registered under their names, called as any RPC method.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { bridgeSchema } from '../../../../src/plugins/bridge/config.ts';
import { startServices } from '../../../../src/plugins/bridge/services/start-services.ts';
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

test('names of services', () => {
  const accepts = (name: string) => bridgeSchema.safeParse({ services: { [name]: './a.ts' } }).success;
  for (const name of ['thumbnails', 'image-tools', 'B2']) assert.ok(accepts(name), name);
  for (const name of ['kv', 'Bridge', 'control', 'a.b', '2a', '', '__proto__x', 'a b']) assert.ok(!accepts(name), name);
});

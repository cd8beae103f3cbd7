// The set of pipelines: which may be declared beside those that are there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRrtsError } from '../../../src/core/errors.ts';
import { QueueRig } from './queue-rig.ts';

test('a declared pipeline whose dead letters come back to it is refused: they would go round for ever', async () => {
  const rig = new QueueRig();
  const refused = (way: string) => (error: unknown) =>
    isRrtsError(error) && error.code === 'ERR_JOBS_INVALID' && error.message.endsWith(`for ever: ${way}`);
  await assert.rejects(rig.add('a', { dead_letter: 'a' }), refused('a -> a'));
  await rig.add('a', { dead_letter: 'b' });
  await rig.add('c', { dead_letter: 'a' });
  await assert.rejects(rig.add('b', { dead_letter: 'c' }), refused('b -> c -> a -> b'));
  await rig.add('b');
});

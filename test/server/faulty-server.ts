// A server for signals.test.ts: fails in the way its first argument says, and ends with the exit code that rrts would use.

import { Server } from '../../src/server/server.ts';
import { ProcessWatch } from '../../src/server/signals.ts';
import { configFor, fakePlugin } from './fake-plugins.ts';

const [fault = ''] = process.argv.slice(2);

const say = (_facts: object, message: string): void => console.log(message);
const logger = { debug: say, info: say, warn: say, error: say, child: () => logger };

const drain = (): Promise<void> => {
  console.log('draining');
  // A plugin that hangs while it stops: only the deadline ends it.
  return fault === 'hang' ? new Promise(() => undefined) : Promise.resolve();
};
const plugins = [fakePlugin('a', [], { stop: drain })];
const server = new Server({ config: configFor(['a']), logger, environment: {}, cwd: '.', pluginTypes: plugins });
const watch = new ProcessWatch(server, logger);
const alive = setInterval(() => undefined, 1000);

await server.start();
if (fault === 'throw') {
  setTimeout(() => {
    throw new Error('thrown in a timer');
  }, 1);
} else if (fault === 'reject') {
  void Promise.reject(new Error('rejected by nobody'));
}
console.log('started');
const ending = await watch.ended;
clearInterval(alive);
console.log(`ending ${ending.kind}`);
process.exit(0);

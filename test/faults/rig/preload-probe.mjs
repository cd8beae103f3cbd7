// Preloaded into a server by NODE_OPTIONS: on SIGWINCH it does what PRELOAD_FAULT says, or else writes what the process holds
// to the file PRELOAD_REPORT, after two collections of garbage.

import { channel } from 'node:diagnostics_channel';
import { renameSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const FAULTS = {
  timer: () => setTimeout(() => fail(), 1),
  rejection: () => void Promise.reject(new Error('a fault on purpose')),
  data: () => {
    const server = createServer((socket) => socket.on('data', fail));
    server.listen(0, '127.0.0.1', () => connect(server.address().port, '127.0.0.1').end('x'));
  },
  hook: () => channel('http.server.request.start').subscribe(fail),
};

function fail() {
  throw new Error('a fault on purpose');
}

function report(path) {
  collect();
  collect();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const listeners = {};
  for (const name of process.eventNames()) listeners[String(name)] = process.listenerCount(name);
  const { rss, heapUsed } = process.memoryUsage();
  writeFileSync(`${path}.part`, JSON.stringify({ rss, heapUsed, resources, listeners }));
  renameSync(`${path}.part`, path);
}

const { PRELOAD_FAULT, PRELOAD_REPORT } = process.env;
if (PRELOAD_FAULT !== undefined || PRELOAD_REPORT !== undefined) {
  process.on('SIGWINCH', () => (PRELOAD_FAULT === undefined ? report(PRELOAD_REPORT) : FAULTS[PRELOAD_FAULT]()));
}

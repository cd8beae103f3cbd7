// For each request a PHP process that sends bytes to this one and gets them back, as often as it can.

import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

const [port, script] = process.argv.slice(2);

createServer(async (request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const seconds = searchParams.get('seconds');
  if (seconds === null) {
    response.end('echo\n');
    return;
  }
  const child = spawn('php', [script ?? '', seconds, searchParams.get('begin') ?? '0'], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const channel = /** @type {import('node:net').Socket} */ (child.stdio[3]);
  channel.on('data', (bytes) => channel.write(bytes));
  channel.on('error', () => channel.destroy());
  response.end(await text(/** @type {import('node:stream').Readable} */ (child.stdout)));
}).listen(Number(port), '127.0.0.1');

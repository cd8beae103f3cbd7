// The bare Node server itself; its first argument is the port.
import { createServer } from 'node:http';

const HELLO = 'Hello, World!\n';

const server = createServer((request, response) => {
  if (request.url === '/hello') answer(response, 'text/plain; charset=utf-8', HELLO);
  else if (request.url === '/json') answer(response, 'application/json', JSON.stringify(rows()));
  else if (request.url === '/upload') countFile(request, response);
  else response.writeHead(404).end();
});
server.listen(Number(process.argv[2]), '127.0.0.1');

/**
 * @param {import('node:http').ServerResponse} response
 * @param {string} type
 * @param {string} body
 */
function answer(response, type, body) {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length });
  response.end(body);
}

/**
 * Reads the form and takes its frame off by arithmetic: no parser, no file.
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
function countFile(request, response) {
  let bytes = 0;
  request.on('data', (chunk) => {
    bytes += chunk.length;
  });
  request.on('end', () => answer(response, 'text/plain; charset=utf-8', `${bytes - (bytes % 1024)} bytes\n`));
}

/** The same records as bench/app/rows.php. */
function rows() {
  const list = [];
  for (let id = 1; id <= 800; id++) {
    list.push({
      id,
      name: `Customer ${id}`,
      email: `customer${id}@example.com`,
      price: id * 1.25,
      active: id % 3 === 0,
      text: 'A line of text like many others in a table',
    });
  }
  return list;
}

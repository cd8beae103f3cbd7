// Ways to end a connection so that the client still reads what it was sent.

import type { Socket } from 'node:net';

/** How long a client that is still sending may take to notice that it was refused. */
const LINGER_MS = 1000;

/**
 * Sends what is buffered and our end of the connection, then waits a moment for the client's end. Closing a socket that has
 * unread bytes sends a reset, and a reset can overtake the response: a client would see "connection reset" instead of 413.
 */
export function closeGently(socket: Socket): void {
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

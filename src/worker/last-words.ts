// What a dead worker wrote last may still be in its pipes when its death is reported.

import type { Socket } from 'node:net';

/** A grandchild can hold a pipe open for ever, so the wait is short. */
const LAST_WORDS_MS = 50;

/** Calls `done` once, when all sockets were read to their end, or after 50 ms. */
export function afterLastWords(sockets: readonly Socket[], done: () => void): void {
  let open = 0;
  let told = false;
  const tell = (): void => {
    if (told) return;
    told = true;
    clearTimeout(timer);
    done();
  };
  // Timers come before input in a turn of the event loop: after a long turn the last words may be unread still.
  const timer = setTimeout(() => setImmediate(tell), LAST_WORDS_MS);
  for (const socket of sockets) {
    if (socket.destroyed || socket.readableEnded || !socket.readable) continue;
    open++;
    socket.once('close', () => {
      open--;
      if (open === 0) tell();
    });
  }
  if (open === 0) tell();
}

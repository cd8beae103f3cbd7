// Keeps the bytes of a message as they came.

import type { Channel } from 'rabbitmq-client';

interface HeaderFrame {
  readonly fields?: { contentEncoding?: string | undefined };
}

/** The part of the package's channel that hears the properties of a message before its body. */
interface Inside {
  _onHeader?: (frame: HeaderFrame) => void;
}

/**
 * The package parses a body that says it is JSON, and decodes one that says it is text, unless it has an encoding: numbers beyond 2^53 and bytes
 * that are no UTF-8 would be others after that. A payload is opaque, so every message is given an encoding here. Where the package has changed its
 * inside this does nothing, and such bodies are written again from what was parsed.
 */
export function keepBytes(channel: Channel): void {
  const inside = channel as unknown as Inside;
  const original = inside._onHeader;
  if (typeof original !== 'function') return;
  inside._onHeader = function onHeader(this: unknown, frame) {
    if (frame.fields !== undefined && !frame.fields.contentEncoding) frame.fields.contentEncoding = 'binary';
    original.call(this, frame);
  };
}

// What one or more rows of a table are served by.

import type { PeerId } from '../cases.ts';
import type { Service } from '../service.ts';

/** Running processes and where each peer is found. */
export interface Stack {
  /** To be stopped in this order. */
  readonly services: readonly Service[];
  /** Without the path. */
  urlOf(peer: PeerId): string;
}

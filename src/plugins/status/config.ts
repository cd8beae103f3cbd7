// The `status:` section: RoadRunner's keys with RoadRunner's meanings.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { LIVE, RESTART } from '../../core/reload-mark.ts';
import { address, duration } from '../../core/scalars.ts';

const statusKeys = z.strictObject({
  address: address()
    .meta(RESTART)
    .describe('Where probes are answered: GET /health, /ready, /livez, /readyz, and /jobs. Not for the public.'),
  unavailable_status_code: z.int().min(100).max(599).default(503).describe('Status of a probe that fails.'),
  check_timeout: duration()
    .default(60_000)
    .describe('RoadRunner waits so long for a check. Here a check answers at once; kept for its files.'),
});

/** Schema of `status:`. */
export const statusSchema = statusKeys.meta(LIVE);

/** `status:` as parsed, names in camelCase. */
export type StatusConfig = CamelCased<z.output<typeof statusSchema>>;

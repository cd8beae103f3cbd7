// The `logs:` section: RoadRunner's keys with RoadRunner's meanings.

import { z } from 'zod';
import type { CamelCased } from '../core/camel-case.ts';
import { LIVE } from '../core/reload-mark.ts';

/** Schema of `logs:`. */
export const logsSchema = z.strictObject({
  mode: z
    .enum(['development', 'production', 'raw', 'none', 'off'])
    .optional()
    .describe(
      'production: JSON lines. development: text, level debug. raw: the bare message. none or off: nothing. ' +
        'Default: text on a terminal, JSON lines elsewhere.',
    ),
  level: z
    .enum(['debug', 'info', 'warn', 'error', 'panic', 'fatal'])
    .meta(LIVE)
    .optional()
    .describe('The least level that is logged. Default: debug in mode development, else info.'),
  encoding: z.enum(['console', 'json']).optional().describe('console: text for people. json: one object per line.'),
  output: z
    .array(z.string().min(1))
    .min(1)
    .default(['stderr'])
    .describe('Where the lines go: stdout, stderr or paths of files, which are appended to.'),
  line_ending: z.string().default('\n').describe('What ends a line.'),
});

/** `logs:` as parsed, names in camelCase. */
export type LogsConfig = CamelCased<z.output<typeof logsSchema>>;

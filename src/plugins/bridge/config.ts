// The `bridge:` section: which Node modules PHP may call, and what of them.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { duration } from '../../core/scalars.ts';
import { patternProblem } from './allow-list.ts';

const moduleName = z
  .string()
  .regex(
    /^[@a-zA-Z0-9][\w@:./-]{0,99}$/,
    'must be a name of letters, digits and @ : . / - _, such as sharp or node:os',
  );

const pattern = z.string().superRefine((text, context) => {
  const problem = patternProblem(text);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

const moduleSchema = z.strictObject({
  from: z
    .string()
    .regex(
      /^(?!\w+:\/\/)\S+$/,
      'must be an npm package, a module of Node such as node:os, or a file such as ./images.ts',
    )
    .optional()
    .describe(
      'What is loaded: an npm package of the application, a module of Node (node:os), or a file (./images.ts, .mjs, .js, .cjs). Looked up from the working directory. Default: the name.',
    ),
  allow: z
    .array(pattern)
    .min(1, 'is empty, so nothing could be called')
    .describe(
      "What PHP may call; nothing else. '()' the module itself, 'name' or 'a.b' an exported function, 'new Name' a class, '.name' a method or property of objects it gave; '*' all exports, 'new *' all classes, '.*' all of its objects.",
    ),
  timeout: duration()
    .default(60_000)
    .describe('Longest time of a call; a caller that says less gets less. 0: no limit.'),
});

/** Schema of `bridge:`. */
export const bridgeSchema = z.strictObject({
  modules: z
    .record(moduleName, moduleSchema)
    .default({})
    .describe('Node modules that PHP may call, by the name it uses. They are loaded at the start.'),
});

/** `bridge:` as parsed, names in camelCase. */
export type BridgeConfig = CamelCased<z.output<typeof bridgeSchema>>;

/** One of `bridge.modules`. */
export type ModuleConfig = BridgeConfig['modules'][string];

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

/** Names of the services that rrts has itself, now or soon: a service of a user must not stand in for one. */
const OWN_SERVICES = new Set(
  'app bridge control cron http informer jobs kv lock metrics resetter rpc service status'.split(' '),
);

const serviceName = z
  .string()
  .regex(/^[A-Za-z][\w-]{0,63}$/, 'must be a name of letters, digits, - and _, such as thumbnails')
  .refine((name) => !OWN_SERVICES.has(name.toLowerCase()), 'is the name of a service of rrts; choose another one');

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
  threads: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe(
      'For modules that compute: so many worker threads run its calls, one each at a time. 0: in the server itself.',
    ),
  timeout: duration()
    .default(60_000)
    .describe(
      'Longest time of a call; a caller that says less gets less. A call that computes longer in a thread ends with its thread. 0: no limit.',
    ),
});

/** Schema of `bridge:`. */
export const bridgeSchema = z.strictObject({
  modules: z
    .record(moduleName, moduleSchema)
    .default({})
    .describe('Node modules that PHP may call, by the name it uses. They are loaded at the start.'),
  services: z
    .record(serviceName, z.string().min(1))
    .default({})
    .describe(
      'Typed services, by the name that calls have: a file (./services/thumbnails.ts) or package that exports a defineService(...). rrts stubs writes PHP classes for them.',
    ),
});

/** `bridge:` as parsed, names in camelCase. */
export type BridgeConfig = CamelCased<z.output<typeof bridgeSchema>>;

/** One of `bridge.modules`. */
export type ModuleConfig = BridgeConfig['modules'][string];

/** Modules of Node with which one function is as good as a shell. */
const POWERFUL: ReadonlySet<string> = new Set([
  'child_process',
  'cluster',
  'inspector',
  'module',
  'process',
  'repl',
  'vm',
  'worker_threads',
]);

/** Every export of such a module is more than anybody can mean. */
export function bridgeWarnings({
  modules,
}: BridgeConfig): { readonly path: readonly string[]; readonly message: string }[] {
  return Object.entries(modules).flatMap(([name, { from, allow }]) => {
    const source = (from ?? name).replace(/^node:/, '');
    if (!POWERFUL.has(source) || !allow.some((one) => ['*', 'new *'].includes(one.trim()))) return [];
    const message = `allows everything of ${source}: who can run code in a PHP worker could run programs as the user of the server`;
    return [{ path: ['modules', name, 'allow'], message }];
  });
}

// The `reload:` section: which files the workers are made of, so that a change of one replaces them. For development.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { LIVE } from '../../core/reload-mark.ts';
import { duration } from '../../core/scalars.ts';

/** What `watch: true` and `--watch` alone stand for. */
export const DEFAULT_WATCH: readonly string[] = ['**/*.{php,phtml,twig,yaml,yml}', 'composer.lock', '.env', '.env.*'];

/** Large, or written by the application itself; a change of vendor shows in composer.lock. */
export const DEFAULT_IGNORE: readonly string[] = [
  '**/vendor',
  '**/node_modules',
  '**/.git',
  '**/var/cache',
  '**/var/log',
  '**/storage',
];

const reloadKeys = z.strictObject({
  watch: z
    .union([z.boolean(), z.string().min(1), z.array(z.string().min(1))])
    .transform(toGlobs)
    .prefault(false)
    .describe(
      'Files whose change replaces the workers, as globs (**, *, ?, {a,b}) from the working directory; a directory means all below it. true: PHP files, templates, YAML, composer.lock and .env. `rrts serve --watch` sets it.',
    ),
  ignore: z
    .array(z.string().min(1))
    .default([...DEFAULT_IGNORE])
    .describe('Files and directories that are not looked at.'),
  poll: z
    .boolean()
    .default(false)
    .describe(
      'Look at the files again and again instead of being told by the system, which some network and container file systems do not do.',
    ),
  interval: duration().default(1000).describe('How often they are looked at then.'),
});

/** Schema of `reload:`. */
export const reloadSchema = reloadKeys.meta(LIVE);

/** `reload:` as parsed, names in camelCase; `watch` is a list of globs, empty when nothing is watched. */
export type ReloadConfig = CamelCased<z.output<typeof reloadSchema>>;

/** Overrides and variables are texts, also when they say true or false. */
function toGlobs(watch: boolean | string | string[]): string[] {
  if (watch === true || watch === 'true') return [...DEFAULT_WATCH];
  if (watch === false || watch === 'false') return [];
  return typeof watch === 'string' ? [watch] : watch;
}

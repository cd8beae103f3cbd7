// RoadRunner's own packages as kinds of worker: one Composer project for each generation.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerKind } from '../e2e/kinds.ts';
import { exists, ROOT } from '../helpers/paths.ts';

/** The packages with the JSON head only: spiral/roadrunner-http 3.4. */
export const GENERATION_JSON = compatKind('json', 'json');

/** The generation with both heads, driven with the protobuf head. */
export const GENERATION_PROTO = compatKind('proto', 'proto');

/** The generation with both heads, driven with the JSON head. */
export const GENERATION_BOTH = compatKind('proto', 'json');

function compatKind(project: 'json' | 'proto', codec: 'json' | 'proto'): WorkerKind {
  const versions = project === 'json' ? 'roadrunner-http 3.4' : 'roadrunner-http 3.5 or later';
  return {
    name: `${versions}, ${codec} head`,
    command: ['php', join(ROOT, 'test', 'compat', 'worker.php'), project],
    config: { http: { pool: { codec } } },
    ...(codec === 'json' ? { textHead: true } : noBytes()),
    prepare: async () => unavailable(project),
  };
}

/** Why a project cannot be used, if so. The set-up of the test command says why the packages cannot be had; without it, what is missing is said. */
export function unavailable(project: string): string | undefined {
  const folder = join(ROOT, 'test', 'compat', project);
  if (exists(join(folder, 'vendor', 'autoload.php'))) return undefined;
  return process.env['RRTS_COMPAT_UNAVAILABLE'] ?? `test/compat/${project} is not installed: npm run test:compat`;
}

/** Pre-releases of the message package declare header values as strings, which google/protobuf checks to be UTF-8. */
function noBytes(): { noBytes: string } | undefined {
  const generated = 'proto/vendor/roadrunner-php/roadrunner-api-dto/generated/RoadRunner/HTTP/DTO/V1/HeaderValue.php';
  const path = join(ROOT, 'test', 'compat', generated);
  if (!exists(path) || readFileSync(path, 'utf8').includes('GPBType::BYTES')) return undefined;
  return { noBytes: 'the installed roadrunner-api-dto declares header values as strings' };
}

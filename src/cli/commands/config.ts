// rrts config check | print | schema: looks at the configuration without starting anything.

import { stringify } from 'yaml';
import { editorSchema, effectiveConfig } from '../../server/config-schema.ts';
import { loadConfig } from '../../server/load-config.ts';
import { redact } from '../../server/secrets.ts';
import { EXIT } from '../exit-codes.ts';
import { configSources, type GlobalOptions } from '../options.ts';

/** Tells what is wrong with the configuration, or that nothing is. */
export function checkConfig(options: GlobalOptions): number {
  const { warnings } = loadConfig(configSources(options));
  if (options.silent !== true) for (const warning of warnings) console.error(`warning: ${warning}`);
  console.log(`${options.config}: no errors`);
  return EXIT.ok;
}

/** Prints the configuration as rrts understands it: merged, with variables and defaults in, secrets redacted. */
export function printConfig(options: GlobalOptions): number {
  const { written } = loadConfig(configSources(options));
  process.stdout.write(stringify(redact('', effectiveConfig(written)), { blockQuote: false }));
  return EXIT.ok;
}

/** Prints the JSON Schema of the configuration. */
export function printSchema(): number {
  console.log(JSON.stringify(editorSchema(), null, 2));
  return EXIT.ok;
}

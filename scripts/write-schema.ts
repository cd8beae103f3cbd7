// Writes what is made from the configuration schemas: config/rrts.schema.json and docs/config.md. Run by npm run schema.

import { writeFileSync } from 'node:fs';
import { generatedFiles } from './lib/generated-files.ts';

for (const [path, text] of generatedFiles()) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
  console.log(`wrote ${path}`);
}

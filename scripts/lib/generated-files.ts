// The files that are made from the configuration schemas, and their text; a test compares it with what is there.

import { configDocument } from '../../src/server/config-document.ts';
import { describeConfig, editorSchema } from '../../src/server/config-schema.ts';

/** Path from the root of the package, and text. */
export function generatedFiles(): readonly (readonly [path: string, text: string])[] {
  return [
    ['config/rrts.schema.json', `${JSON.stringify(editorSchema(), null, 2)}\n`],
    ['docs/config.md', configDocument(describeConfig())],
  ];
}

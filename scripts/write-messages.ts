// Writes src/protocol/rpc/generated from proto/. Run by npm run proto.

import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generateMessages, MESSAGES_FOLDER } from './lib/generated-messages.ts';

const folder = fileURLToPath(new URL(`../${MESSAGES_FOLDER}`, import.meta.url));
rmSync(folder, { recursive: true, force: true });
await generateMessages(folder);
for (const name of readdirSync(folder)) console.log(`wrote ${MESSAGES_FOLDER}/${name}`);

// The RPC services through messages of our own made from proto/*.proto, and through the classes of rrts/php-client.

import { dirname } from 'node:path';
import { ensureComposerProject } from '../helpers/composer.ts';
import { fixture } from '../helpers/paths.ts';
import { checkServices } from './checklist-services.ts';
import { NATIVE } from './kinds.ts';
import { scriptSpeaker, workerSpeaker } from './services-client.ts';

const client = fixture('services/client.php');
const MESSAGES = scriptSpeaker('protobuf messages of our own', client, () => ensureComposerProject(dirname(client)));

checkServices(MESSAGES, 'tcp', { messages: true });
checkServices(MESSAGES, 'unix', { messages: true });

const CLASSES = scriptSpeaker('rrts/php-client', fixture('services/rrts-client.php'), () => NATIVE.prepare());
const IN_BAND = workerSpeaker('rrts/php-client in native workers', fixture('native/services.php'), () =>
  NATIVE.prepare(),
);
const ONLY = ['metrics', 'kv', 'lock', 'service', 'app and status'] as const;

checkServices(CLASSES, 'tcp', { messages: true, only: ONLY });
checkServices(CLASSES, 'unix', { messages: true, only: ONLY });
checkServices(IN_BAND, 'in-band', { messages: true, only: ONLY });

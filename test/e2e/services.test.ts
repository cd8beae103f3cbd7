// The RPC services through a client of our own with protobuf messages made from proto/*.proto.

import { dirname } from 'node:path';
import { ensureComposerProject } from '../helpers/composer.ts';
import { fixture } from '../helpers/paths.ts';
import { checkServices } from './checklist-services.ts';

const path = fixture('services/client.php');
const MESSAGES = { name: 'protobuf messages of our own', path, prepare: () => ensureComposerProject(dirname(path)) };

checkServices(MESSAGES, 'tcp', { messages: true });
checkServices(MESSAGES, 'unix', { messages: true });

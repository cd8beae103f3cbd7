// The HTTP checklists for one kind of worker.

import { checkHttpCore } from './checklist-core.ts';
import { checkFailures } from './checklist-failures.ts';
import { checkForms } from './checklist-forms.ts';
import { checkStreams } from './checklist-streams.ts';
import { SDK_PROTO } from './kinds.ts';

checkHttpCore(SDK_PROTO);
checkForms(SDK_PROTO);
checkStreams(SDK_PROTO, false);
checkFailures(SDK_PROTO);

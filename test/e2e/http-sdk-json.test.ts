// The HTTP checklists for one kind of worker.

import { checkHttpCore } from './checklist-core.ts';
import { checkFailures } from './checklist-failures.ts';
import { checkForms } from './checklist-forms.ts';
import { checkStreams } from './checklist-streams.ts';
import { SDK_JSON } from './kinds.ts';

checkHttpCore(SDK_JSON);
checkForms(SDK_JSON);
checkStreams(SDK_JSON, false);
checkFailures(SDK_JSON);

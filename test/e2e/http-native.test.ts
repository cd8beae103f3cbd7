// The HTTP checklists for one kind of worker.

import { checkHttpCore } from './checklist-core.ts';
import { checkFailures } from './checklist-failures.ts';
import { checkForms } from './checklist-forms.ts';
import { checkStreams } from './checklist-streams.ts';
import { NATIVE } from './kinds.ts';

checkHttpCore(NATIVE);
checkForms(NATIVE);
checkStreams(NATIVE, true);
checkFailures(NATIVE);

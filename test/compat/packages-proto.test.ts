// RoadRunner's own PHP packages, unmodified, run the HTTP checklists.

import { checkHttpCore } from '../e2e/checklist-core.ts';
import { checkFailures } from '../e2e/checklist-failures.ts';
import { checkForms } from '../e2e/checklist-forms.ts';
import { checkStreams } from '../e2e/checklist-streams.ts';
import { GENERATION_PROTO } from './kinds.ts';

checkHttpCore(GENERATION_PROTO);
checkForms(GENERATION_PROTO);
checkStreams(GENERATION_PROTO, false);
checkFailures(GENERATION_PROTO);

// RoadRunner's own PHP packages, unmodified, run the HTTP checklists.

import { checkHttpCore } from '../e2e/checklist-core.ts';
import { checkFailures } from '../e2e/checklist-failures.ts';
import { checkForms } from '../e2e/checklist-forms.ts';
import { checkStreams } from '../e2e/checklist-streams.ts';
import { GENERATION_JSON } from './kinds.ts';

checkHttpCore(GENERATION_JSON);
checkForms(GENERATION_JSON);
checkStreams(GENERATION_JSON, false);
checkFailures(GENERATION_JSON);

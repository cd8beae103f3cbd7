// Requests, replies and forms for native workers in a PHP without ext-msgpack.

import { checkHttpCore } from './checklist-core.ts';
import { checkForms } from './checklist-forms.ts';
import { NATIVE_JSON } from './kinds.ts';

checkHttpCore(NATIVE_JSON);
checkForms(NATIVE_JSON);

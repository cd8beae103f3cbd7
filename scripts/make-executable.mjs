// tsc writes dist/cli/main.js without the executable bit; `npm link` and a plain clone need it.
import { chmodSync } from 'node:fs';

chmodSync(new URL('../dist/cli/main.js', import.meta.url), 0o755);

#!/usr/bin/env node
// Entry point: argv in, exit code out. The only place that ends the process.

import { printableError } from './print-error.ts';
import { run } from './program.ts';

// A reader that went away (`rrts config print | head`) is no error.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

let exitCode: number;
try {
  exitCode = await run(process.argv.slice(2), process.argv[1] ?? 'rrts');
} catch (thrown) {
  const { text, exitCode: code } = printableError(thrown);
  process.stderr.write(text);
  exitCode = code;
}
process.exit(exitCode);

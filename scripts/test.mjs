// Runs every check and every test of both languages: sets up what is missing, counts, names failures and skips.
import { parseArgs } from 'node:util';
import { runScript, ScriptError } from './lib/run.mjs';
import { STAGES } from './lib/stages.mjs';
import { seconds } from './lib/step.mjs';
import { report, Tally } from './lib/tally.mjs';
import { ensureSetup } from './setup.mjs';

/**
 * A guard against hanging, not the goal, which is under a quarter of an hour on two cores: a slower machine takes longer. The set-up on a bare
 * machine is not part of it: that depends on the network.
 */
const BUDGET = (process.env['RUN_LONG'] === '1' ? 75 : 40) * 60_000;

/** Values of --only for which wrk and its like must be there; undefined is a run of everything. */
const NEED_LOAD_TOOLS = [undefined, 'e2e', 'examples'];
/** The same for tini, systemd-notify, redis-server and rabbitmq-server. */
const NEED_TEST_TOOLS = [undefined, 'unit', 'e2e', 'examples', 'faults', 'compat'];

await runScript(async () => {
  const { only, filters } = readArguments();
  const total = new Tally();
  console.log('set-up');
  try {
    await ensureSetup({
      load: NEED_LOAD_TOOLS.includes(only),
      tests: NEED_TEST_TOOLS.includes(only),
      project: false,
    });
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    console.log(error.message);
    total.fail('set-up');
    report(total);
    return error.exitCode;
  }
  const deadline = Date.now() + BUDGET;
  for (const stage of STAGES.filter(({ groups }) => only === undefined || groups.includes(only))) {
    total.add(await runStage(stage, filters, deadline));
  }
  return report(total);
});

/**
 * Runs one stage; whatever happens in it becomes a number, so that the others still run.
 * @param {import('./lib/stages.mjs').Stage} stage
 * @param {string[]} filters
 * @param {number} deadline
 */
async function runStage(stage, filters, deadline) {
  const begin = performance.now();
  let tally = new Tally();
  try {
    const timeout = Math.min(stage.limit, deadline - Date.now());
    if (timeout > 0) tally = await stage.run({ timeout, filters });
    else tally.fail(stage.name, 'no time was left for it');
  } catch (error) {
    const text = error instanceof ScriptError ? error.message : String(error instanceof Error ? error.stack : error);
    console.log(text.replace(/^/gm, '    '));
    tally.fail(stage.name, text);
  }
  console.log(`${stage.name}: ${tally}  ${seconds(begin)}`);
  return tally;
}

function readArguments() {
  const groups = new Set(STAGES.flatMap((stage) => stage.groups));
  const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
  if (values.only !== undefined && !groups.has(values.only)) {
    throw new ScriptError(`--only ${values.only}: unknown, there are ${[...groups].join(', ')}`, 64);
  }
  return { only: values.only, filters: positionals };
}

// Starts each example as its README says, looks at every page and drives it with wrk: no answer may be anything but 2xx.
import { ensureCompat } from './composer.mjs';
import { DEMO_APPS, ROADRUNNER_APP } from './demo-apps.mjs';
import { DemoServer, freePort } from './demo-server.mjs';
import { withLock } from './lock.mjs';
import { run, ScriptError } from './run.mjs';
import { Tally } from './tally.mjs';

const CONNECTIONS = 64;
const LOAD_SECONDS = 2;

/** @returns {Promise<Tally>} one entry per page, and one per example for the load */
export async function checkExamples() {
  const tally = new Tally();
  for (const app of DEMO_APPS) await checkExample(app, tally);
  const reason = (await withLock(ensureCompat)).get('examples/hello-roadrunner');
  if (reason === undefined) await checkExample(ROADRUNNER_APP, tally);
  else tally.skip('examples > hello-roadrunner', reason);
  return tally;
}

/**
 * @param {import('./demo-apps.mjs').DemoApp} app
 * @param {Tally} tally
 */
async function checkExample(app, tally) {
  const server = new DemoServer(app, await freePort());
  server.start();
  try {
    await server.ready();
    for (const page of app.pages) {
      const { line, right } = await server.look(page);
      record(tally, `examples > ${app.name} ${page.path}`, right ? undefined : line);
    }
    record(tally, `examples > ${app.name} under load`, await loadProblem(server));
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    record(tally, `examples > ${app.name}`, error.message);
  } finally {
    await server.stop();
  }
}

/**
 * @param {DemoServer} server
 * @returns {Promise<string | undefined>} what wrk complains of
 */
async function loadProblem(server) {
  const url = `http://127.0.0.1:${server.port}${server.app.pages[0].path}`;
  const result = await run('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${LOAD_SECONDS}s`, url], { timeout: 30_000 });
  const complaint = /^.*(Non-2xx|Socket errors).*$/m.exec(result.output)?.[0].trim();
  const requests = Number(/(\d+) requests in/.exec(result.output)?.[1] ?? 0);
  if (result.code === 0 && complaint === undefined && requests > 0) return undefined;
  return complaint ?? `wrk made ${requests} requests and ended with exit code ${result.code}`;
}

/**
 * @param {Tally} tally
 * @param {string} name
 * @param {string | undefined} problem
 */
function record(tally, name, problem) {
  if (problem === undefined) return tally.pass();
  console.log(`\n  failed: ${name}\n${problem.replace(/^/gm, '    ')}`);
  return tally.fail(name, problem);
}

// Serves every example and prints what to open; with --check it looks at each page itself and ends.
import { parseArgs } from 'node:util';
import { DEMO_APPS } from './lib/demo-apps.mjs';
import { DemoServer, portsInUse } from './lib/demo-server.mjs';
import { runScript, ScriptError } from './lib/run.mjs';
import { seconds } from './lib/step.mjs';
import { ensureSetup } from './setup.mjs';

await runScript(async (takeSignals) => {
  const { check, offset } = readArguments();
  console.log('set-up');
  await ensureSetup();
  const servers = DEMO_APPS.map((app) => new DemoServer(app, app.port + offset));
  await refuseTakenPorts(servers);
  const asked = untilAsked(servers, takeSignals);
  try {
    return await Promise.race([asked, serve(servers, check)]);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});

/**
 * @param {DemoServer[]} servers
 * @param {boolean} check
 * @returns {Promise<number>} exit code
 */
async function serve(servers, check) {
  const begin = performance.now();
  for (const server of servers) server.start();
  await Promise.all(servers.map((server) => server.ready()));
  console.log(`${servers.length} servers answer after ${seconds(begin)}`);
  if (check) return checkPages(servers);
  printTable(servers);
  throw new ScriptError((await Promise.race(servers.map((server) => server.ended))) ?? 'a server ended');
}

function readArguments() {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, offset: { type: 'string' } } });
  const offset = Number(values.offset ?? process.env.DEMO_PORT_OFFSET ?? 0);
  if (!Number.isInteger(offset)) throw new ScriptError('--offset: a whole number is needed', 64);
  return { check: values.check === true || process.env.DEMO_CHECK === '1', offset };
}

/** @param {DemoServer[]} servers */
async function refuseTakenPorts(servers) {
  const taken = await portsInUse(servers.map(({ port }) => port));
  if (taken.length === 0) return;
  throw new ScriptError(
    `Something listens already on port ${taken.join(', ')}. Stop it, or move the demo: npm run demo -- --offset 1000`,
  );
}

/** @param {DemoServer[]} servers */
function printTable(servers) {
  const rows = servers.flatMap((server) => server.app.pages.map(({ path, shows }) => [server.url(path), shows]));
  const width = Math.max(...rows.map(([url]) => url.length));
  console.log('\nOpen:');
  for (const [url, shows] of rows) console.log(`  ${url.padEnd(width)}  ${shows}`);
  console.log('\nCtrl-C stops everything.');
}

/**
 * Fetches every page and prints its status and first line.
 * @param {DemoServer[]} servers
 * @returns {Promise<number>} exit code
 */
async function checkPages(servers) {
  let wrong = 0;
  for (const server of servers) {
    for (const page of server.app.pages) {
      const { line, right } = await server.look(page);
      console.log(`  ${right ? 'ok  ' : 'FAIL'}  ${server.app.name}  ${page.path}  ${line}`);
      if (!right) wrong += 1;
    }
  }
  console.log(wrong === 0 ? 'every page is right' : `${wrong} pages are wrong`);
  return wrong === 0 ? 0 : 1;
}

/**
 * The first signal lets the servers finish what they do, the second ends them.
 * @param {DemoServer[]} servers
 * @param {(handler: () => void) => void} takeSignals
 * @returns {Promise<number>} exit code
 */
function untilAsked(servers, takeSignals) {
  return new Promise((resolve) => {
    let signals = 0;
    takeSignals(() => {
      signals += 1;
      if (signals === 1) console.log('\nstopping');
      else for (const server of servers) server.stopNow();
      resolve(0);
    });
  });
}

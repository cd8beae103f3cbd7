// Runs PHPUnit and counts its tests from the TeamCity log, the one log of it that has the reasons of skipped tests.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, exists } from './paths.mjs';
import { run } from './run.mjs';
import { Tally } from './tally.mjs';

const OUTPUT_KEPT = 20_000;

/**
 * @param {string} folder the Composer project
 * @param {number} timeout milliseconds
 * @returns {Promise<Tally>}
 */
export async function runPhpUnit(folder, timeout) {
  const log = join(CACHE, `phpunit-${process.pid}.log`);
  mkdirSync(CACHE, { recursive: true });
  const args = ['vendor/bin/phpunit', '--colors=never', '--no-progress', '--display-all-issues', '--log-teamcity', log];
  const result = await run('php', args, { cwd: folder, timeout });
  const tally = exists(log) ? countTeamCity(readFileSync(log, 'utf8')) : new Tally();
  rmSync(log, { force: true });
  // PHPUnit also fails for warnings, deprecations and risky tests, which are no failed test in the log.
  if (result.code !== 0 && tally.failed.length === 0) {
    tally.fail('phpunit', result.timedOut ? 'took too long' : lastLines(result.output));
  }
  if (tally.total === 0) tally.fail('phpunit', 'no test was run');
  if (tally.failed.length > 0) console.log(result.output.trimEnd().slice(0, OUTPUT_KEPT).replace(/^/gm, '    '));
  return tally;
}

/**
 * @param {string} log lines like ##teamcity[testFailed name='...' message='...']
 * @returns {Tally}
 */
export function countTeamCity(log) {
  const tally = new Tally();
  let ended = false;
  for (const [, event, rest] of log.matchAll(/^##teamcity\[(\w+)(.*)\]$/gm)) {
    const name = attribute(rest, 'name');
    if (event === 'testStarted') ended = false;
    else if (event === 'testFailed') tally.fail(name, attribute(rest, 'message'));
    else if (event === 'testIgnored') tally.skip(name, attribute(rest, 'message'));
    else if (event === 'testFinished' && !ended) tally.pass();
    if (event === 'testFailed' || event === 'testIgnored') ended = true;
  }
  return tally;
}

/**
 * @param {string} text
 * @param {string} name
 */
function attribute(text, name) {
  const match = new RegExp(` ${name}='((?:[^'|]|\\|.)*)'`).exec(text);
  return (match?.[1] ?? '').replace(/\|(0x[0-9A-F]{4}|.)/g, (_, code) => ({ n: '\n', r: '\r' })[code] ?? code);
}

/** @param {string} output */
function lastLines(output) {
  return output.trimEnd().split('\n').slice(-3).join(' ');
}

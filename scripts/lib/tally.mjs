// Counts what passed, failed and was skipped, and prints the closing lines of a test run.

const NAMES_PER_REASON = 10;

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {string} [detail] why it failed or was skipped
 */

/** One tally per stage; they add up to that of the whole run. */
export class Tally {
  passed = 0;
  /** @type {Entry[]} */
  failed = [];
  /** @type {Entry[]} */
  skipped = [];

  pass() {
    this.passed += 1;
  }

  /**
   * @param {string} name
   * @param {string} [detail]
   */
  fail(name, detail = '') {
    this.failed.push({ name, detail });
  }

  /**
   * @param {string} name
   * @param {string} [reason]
   */
  skip(name, reason) {
    this.skipped.push({ name, detail: reason || 'no reason given' });
  }

  /** @param {Tally} other */
  add(other) {
    this.passed += other.passed;
    this.failed.push(...other.failed);
    this.skipped.push(...other.skipped);
  }

  get total() {
    return this.passed + this.failed.length + this.skipped.length;
  }

  toString() {
    return `${this.passed} passed, ${this.failed.length} failed, ${this.skipped.length} skipped`;
  }
}

/**
 * Prints failures, skips with their reasons and, as the very last line, the three numbers.
 * @param {Tally} tally
 * @returns {number} exit code: 1 on any failure, and when nothing was tested at all
 */
export function report(tally) {
  if (tally.passed + tally.failed.length === 0) tally.fail('no test was found');
  if (tally.failed.length > 0) console.log('\nfailures:');
  for (const { name, detail } of tally.failed) console.log(`  ${name}${firstLine(detail)}`);
  if (tally.skipped.length > 0) console.log('');
  for (const line of skipLines(tally.skipped)) console.log(line);
  if (tally.skipped.length === 0) console.log('');
  console.log(tally.toString());
  return tally.failed.length === 0 ? 0 : 1;
}

/**
 * A whole suite that cannot run here has hundreds of tests and one reason.
 * @param {Entry[]} skipped
 */
function skipLines(skipped) {
  const byReason = new Map(skipped.map(({ detail }) => [detail, /** @type {string[]} */ ([])]));
  for (const { name, detail } of skipped) byReason.get(detail)?.push(name);
  return [...byReason].flatMap(([reason, names]) => {
    const shown = names.length > NAMES_PER_REASON ? [`${names[0]} and ${names.length - 1} more`] : names;
    return shown.map((name) => `skipped: ${name} (${reason})`);
  });
}

/** @param {string} [text] */
function firstLine(text = '') {
  const line = text.split('\n').find((candidate) => candidate.trim() !== '');
  return line === undefined ? '' : `: ${line.trim().slice(0, 200)}`;
}

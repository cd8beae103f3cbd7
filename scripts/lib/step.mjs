// Prints one line with its duration for each step of a script.

/**
 * Runs one step and prints what it did; a step that found nothing to do stays silent.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(name, work) {
  const begin = performance.now();
  try {
    const result = await work();
    if (result !== false) console.log(`  ok    ${name}  ${seconds(begin)}`);
    return result;
  } catch (error) {
    console.log(`  FAIL  ${name}  ${seconds(begin)}`);
    throw error;
  }
}

/**
 * The time since a moment, as people read it.
 * @param {number} begin from performance.now()
 */
export function seconds(begin) {
  return `${((performance.now() - begin) / 1000).toFixed(1)} s`;
}

// Lets one set-up at a time work in this checkout.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CACHE } from './paths.mjs';

const LOCK = join(CACHE, 'setup.lock');

/**
 * Holds the lock while the work runs; waits for another set-up in the same checkout.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(work) {
  mkdirSync(CACHE, { recursive: true });
  await acquire();
  const release = () => rmSync(LOCK, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function acquire() {
  let announced = false;
  while (!tryAcquire()) {
    const owner = readOwner();
    if (owner !== undefined && !isAlive(owner)) {
      discardStale();
      continue;
    }
    if (!announced && owner !== undefined) console.log(`  wait  another set-up runs in this checkout (pid ${owner})`);
    announced = true;
    await wait(200);
  }
}

function tryAcquire() {
  try {
    writeFileSync(LOCK, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @returns {number | undefined} undefined while the owner has not written its pid yet, or has just left */
function readOwner() {
  try {
    return Number.parseInt(readFileSync(LOCK, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** Renaming first: of two that saw the same dead owner only one gets the file, and neither removes a fresh lock. */
function discardStale() {
  const stale = `${LOCK}.${process.pid}`;
  try {
    renameSync(LOCK, stale);
    const owner = Number.parseInt(readFileSync(stale, 'utf8'), 10);
    if (isAlive(owner)) renameSync(stale, LOCK);
    else rmSync(stale, { force: true });
  } catch {
    // Somebody else was quicker.
  }
}

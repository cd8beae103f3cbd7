// The numbers a pool works with, after all defaults that depend on one another.

import { camelCased } from '../core/camel-case.ts';
import { defaultWorkerCount, dynamicAllocatorSchema, MAX_WORKERS, type PoolConfig } from './config.ts';

const BOOT_TIMEOUT_MS = 60_000;
const QUEUE_TIMEOUT_MS = 5_000;
/** Waiting requests per worker, when max_queue_size is not given. */
const QUEUE_PER_WORKER = 100;
/** RoadRunner's jitter on max_jobs: up to 14 % more, so that workers do not all go at once. */
const JITTER = 0.14;
/** From the stop frame to SIGTERM for an idle worker; RoadRunner's constant. */
const STOP_TIMEOUT_MS = 10_000;

/** Limits in milliseconds and counts; 0 means no limit. One object per pool, which all its parts share; a reload changes it. */
export interface Limits {
  numWorkers: number;
  /** Workers at most, while requests wait. */
  maxWorkers: number;
  /** Steps of scaling in a second. */
  spawnRate: number;
  /** Time in which some worker was always idle, after which there is one less. */
  idleTimeout: number;
  /** Wait of a request from which there is one worker more. */
  queueTime: number;
  /** Bytes. */
  maxWorkerMemory: number;
  maxWorkerMemoryHard: number;
  maxQueueSize: number;
  queueTimeout: number;
  bootTimeout: number;
  streamTimeout: number;
  stopTimeout: number;
  execTtl: number;
  /** Age of a worker, and time without a request, after which it is replaced. */
  ttl: number;
  idleTtl: number;
  /** Requests that may be sent ahead to a busy worker. */
  prefetch: number;
  /** Request limit of the next worker, jitter included. */
  nextMaxJobs(): number;
}

/** Resolves the configuration. `random` gives numbers in [0, 1). */
export function limitsOf(config: PoolConfig, random: () => number = Math.random): Limits {
  const numWorkers = config.numWorkers === 0 ? defaultWorkerCount() : config.numWorkers;
  const { debug, supervisor } = config;
  const scaling = config.dynamicAllocator ?? camelCased(dynamicAllocatorSchema, dynamicAllocatorSchema.parse({}));
  const beyond = config.dynamicAllocator === undefined ? 0 : scaling.maxWorkers;
  const maxJobs = debug ? 1 : config.maxJobs;
  return {
    numWorkers,
    maxWorkers: Math.min(MAX_WORKERS, config.maxWorkers === 0 ? numWorkers + beyond : config.maxWorkers),
    spawnRate: scaling.spawnRate,
    idleTimeout: scaling.idleTimeout,
    queueTime: scaling.queueTime,
    maxWorkerMemory: debug ? 0 : supervisor.maxWorkerMemory,
    maxWorkerMemoryHard: supervisor.maxWorkerMemoryHard,
    maxQueueSize: config.maxQueueSize ?? numWorkers * QUEUE_PER_WORKER,
    queueTimeout: config.queueTimeout ?? config.allocateTimeout ?? QUEUE_TIMEOUT_MS,
    bootTimeout: config.allocateTimeout ?? BOOT_TIMEOUT_MS,
    streamTimeout: config.streamTimeout,
    stopTimeout: Math.min(STOP_TIMEOUT_MS, config.destroyTimeout),
    execTtl: supervisor.execTtl,
    ttl: debug ? 0 : supervisor.ttl,
    idleTtl: debug ? 0 : supervisor.idleTtl,
    prefetch: debug ? 0 : config.prefetch,
    nextMaxJobs: () => (maxJobs === 0 ? 0 : maxJobs + Math.floor(maxJobs * JITTER * random())),
  };
}

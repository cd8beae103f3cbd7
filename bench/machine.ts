// Facts about the machine, without which figures mean nothing.

import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { findProgram } from './peers/nginx-fpm.ts';

/** Name and value, in the order of the report. */
export type Facts = readonly (readonly [string, string])[];

/** Asks the system and the programs; to be called before the run, whose own load is no fact. @param roadRunnerVendor - where RoadRunner's packages are, if anywhere. */
export async function machineFacts(root: string, roadRunnerVendor: string | undefined): Promise<Facts> {
  const facts: [string, string][] = [
    ['date', new Date().toISOString().slice(0, 10)],
    ['cores', `${availableParallelism()} (wrk shares them with the servers)`],
    ['CPU', cpus()[0]?.model.trim() ?? 'unknown'],
    ['memory', `${Math.round(totalmem() / 2 ** 30)} GB`],
    ['Linux', release()],
    ['load average before the run', (loadavg()[0] ?? 0).toFixed(1)],
    ['rrts', (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version],
    ['Node', process.versions.node],
    ['PHP', await firstMatch('php', ['-v'], /PHP (\S+)/)],
    ['nginx', await firstMatch(findProgram('nginx') ?? 'nginx', ['-v'], /nginx\/(\S+)/)],
    ['wrk', await firstMatch('wrk', ['-v'], /wrk (\S+)/)],
  ];
  const messenger = await firstMatch('dpkg-query', ['-W', 'php-symfony-messenger'], /\t([\d.]+)/);
  facts.push(['Symfony Messenger', messenger], ['redis', await firstMatch('redis-server', ['-v'], /v=(\S+)/)]);
  if (roadRunnerVendor !== undefined) facts.push(['spiral/roadrunner-http', roadRunnerVersion(roadRunnerVendor)]);
  return facts;
}

async function firstMatch(file: string, args: string[], pattern: RegExp): Promise<string> {
  const { all } = await execa(file, args, { all: true, reject: false });
  return pattern.exec(all ?? '')?.[1] ?? 'unknown';
}

function roadRunnerVersion(vendor: string): string {
  const text = readFileSync(join(vendor, 'composer', 'installed.json'), 'utf8');
  const { packages } = JSON.parse(text) as { packages: { name: string; version: string }[] };
  return packages.find(({ name }) => name === 'spiral/roadrunner-http')?.version ?? 'unknown';
}

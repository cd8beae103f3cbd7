// docs/benchmark.md.

import { chartFile } from './chart.ts';
import type { CaseResult } from './figures.ts';
import { COLUMNS, ratioText, tableOf } from './format.ts';
import type { Facts } from './machine.ts';
import type { Options } from './options.ts';

/** The whole report. */
export function markdown(results: readonly CaseResult[], facts: Facts, options: Options): string {
  return `${[head(options), ...results.map(section), machine(facts), HOW].join('\n\n')}\n`;
}

function head(options: Options): string {
  const { rounds, seconds, connections, threads, workers } = options;
  return `# Benchmark

Written by \`npm run bench\`: one run, every server in turn on the same machine, ${rounds} rounds of ${seconds} s each after a
warm-up, wrk with ${connections} connections and ${threads === 1 ? 'one thread' : `${threads} threads`}, ${workers} PHP processes on each side. A row is the median of the
rounds; a ratio is the median of the rounds' own ratios, because the servers of one round met the same conditions, with the
lowest and the highest behind it. Every answer is checked before the measurement, and a run with one answer other than 2xx or
one connection error is thrown away.`;
}

function section(result: CaseResult): string {
  const { id, title, about } = result.bench;
  const ratios = result.ratios.map((ratio) => `- ${ratioText(ratio)}`);
  return [`## ${title}`, about, `![${title}: requests per second](${chartFile(id)})`, table(result), ratios.join('\n')]
    .filter((part) => part !== '')
    .join('\n\n');
}

function table(result: CaseResult): string {
  const line = (columns: readonly string[]): string => `| ${columns.join(' | ')} |`;
  const rule = COLUMNS.map((_, index) => (index === 0 ? '---' : '---:'));
  return [line(COLUMNS), line(rule), ...tableOf(result).map(line)].join('\n');
}

function machine(facts: Facts): string {
  return ['## Machine', '| | |\n| --- | --- |', ...facts.map(([name, value]) => `| ${name} | ${value} |`)]
    .join('\n')
    .replace('\n', '\n\n');
}

const HOW = `## How it is measured

- **rrts**: \`rrts serve\` with the files in \`bench/config\`, defaults otherwise.
- **nginx + php-fpm**: Debian's packages and php.ini, opcache on; \`pm = static\`, a Unix socket, kept FastCGI connections, no
  access log, buffers in memory (\`bench/config/nginx.conf\`, \`bench/config/php-fpm.conf\`).
- **bare node:http**: one process, \`bench/peers/node-server.mjs\`. rrts's master is one Node process too, so this is its ceiling.
- The PHP handlers are the same files for all of them (\`bench/app\`); the Symfony application is one copy for both.
- **CPU per request** is the CPU time of the server with all of its processes, without wrk. Where wrk, the server and its PHP
  processes share few cores, it says more than requests per second.
- Hello cases measure the server, not an application: an application that needs 10 ms of PHP takes 10 ms on each of them.

Repeat it with \`npm run bench\`, or get a first impression with \`npm run bench -- --quick\`; \`npm run bench -- --help\` names the
options.`;

// docs/benchmark.md.

import { chartFile } from './chart.ts';
import type { CaseResult } from './figures.ts';
import { COLUMNS, ratioText, tableOf } from './format.ts';
import type { Facts } from './machine.ts';
import type { Options } from './options.ts';

const MACHINE_HEADING = '## Machine';
const HOW_HEADING = '## How it is measured';

/** The whole report. */
export function markdown(results: readonly CaseResult[], facts: Facts, options: Options): string {
  return `${[head(options), ...results.map(section), machine(facts), HOW].join('\n\n')}\n`;
}

/**
 * The report with the sections of these cases in place of those that it has. A section says that it comes from a run of its own; one that is new
 * stands before the machine.
 */
export function markdownWith(report: string, results: readonly CaseResult[], facts: Facts, options: Options): string {
  const [body = '', rest = ''] = splitAt(report, MACHINE_HEADING);
  const [machineText = ''] = splitAt(rest, HOW_HEADING);
  const sections = body.split(/^(?=## )/m);
  for (const result of results) {
    const text = `${section(result)}\n\n${ownRun(facts, options)}\n\n`;
    const at = sections.findIndex((one) => one.startsWith(`## ${result.bench.title}\n`));
    if (at < 0) sections.push(text);
    else sections[at] = text;
  }
  return `${sections.join('')}${machineText}${HOW}\n`;
}

function splitAt(text: string, heading: string): [before: string, rest: string] {
  const at = text.indexOf(`${heading}\n`);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}

function ownRun(facts: Facts, { rounds }: Options): string {
  const fact = (wanted: string): string => facts.find(([name]) => name === wanted)?.[1] ?? 'unknown';
  const load = fact('load average before the run');
  return `Measured in a run of its own on ${fact('date')}: ${rounds} rounds, load average before it ${load}.`;
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
  const ratios = [...result.ratios.map(ratioText), ...(result.notes ?? [])].map((text) => `- ${text}`);
  const figures =
    result.bench.peers.length === 0 ? [] : [`![${title}: requests per second](${chartFile(id)})`, table(result)];
  return [`## ${title}`, about, ...figures, ratios.join('\n')].filter((part) => part !== '').join('\n\n');
}

function table(result: CaseResult): string {
  const line = (columns: readonly string[]): string => `| ${columns.join(' | ')} |`;
  const rule = COLUMNS.map((_, index) => (index === 0 ? '---' : '---:'));
  return [line(COLUMNS), line(rule), ...tableOf(result).map(line)].join('\n');
}

function machine(facts: Facts): string {
  return [MACHINE_HEADING, '| | |\n| --- | --- |', ...facts.map(([name, value]) => `| ${name} | ${value} |`)]
    .join('\n')
    .replace('\n', '\n\n');
}

const HOW = `${HOW_HEADING}

- **rrts**: \`rrts serve\` with the files in \`bench/config\`, defaults otherwise.
- **nginx + php-fpm**: Debian's packages and php.ini, opcache on; \`pm = static\`, a Unix socket, kept FastCGI connections, no
  access log, buffers in memory (\`bench/config/nginx.conf\`, \`bench/config/php-fpm.conf\`).
- **bare node:http**: one process, \`bench/peers/node-server.mjs\`. rrts's master is one Node process too, so this is its ceiling.
- **Symfony Messenger**: \`messenger:consume\` (\`bench/app/messenger.php\`), and a redis-server without persistence for it and for the driver redis. RabbitMQ
  has the settings of the tests. opcache is on for all PHP processes. A queue is filled while nobody takes from it; the clock runs from the first job that was done to the last, which are counted
  by bytes that the handlers write to files. **CPU per request** includes the broker.
- The PHP handlers are the same files for all of them (\`bench/app\`); the Symfony application is one copy for both.
- **CPU per request** is the CPU time of the server with all of its processes, without wrk. Where wrk, the server and its PHP
  processes share few cores, it says more than requests per second.
- Hello cases measure the server, not an application: an application that needs 10 ms of PHP takes 10 ms on each of them.

Repeat it with \`npm run bench\`, or get a first impression with \`npm run bench -- --quick\`; \`npm run bench -- --help\` names the
options.`;

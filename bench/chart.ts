// A bar chart of one case as SVG, for light and dark pages alike.

import { PEERS } from './cases.ts';
import type { CaseResult, Row } from './figures.ts';
import { whole } from './format.ts';

const WIDTH = 760;
const LABELS = 236;
const VALUES = 80;
const BAR = 22;
const STEP = 34;
const TOP = 44;

const STYLE = `text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:15px}.range{stroke:#1f2328}
.ours{fill:#2f6fdb}.theirs{fill:#9aa4b2}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.range{stroke:#e6edf3}.ours{fill:#5b94f0}.theirs{fill:#6b7684}}`;

/** The file of a case's chart, beside the report. */
export function chartFile(id: string): string {
  return `bench-${id}.svg`;
}

/** Bars for the medians, with a line from the lowest to the highest round. */
export function chart(result: CaseResult): string {
  const height = TOP + result.rows.length * STEP + 8;
  const most = Math.max(...result.rows.map(({ requestsPerSecond }) => requestsPerSecond.highest));
  const scale = (WIDTH - LABELS - VALUES) / most;
  const title = `${xmlText(result.bench.title)}: requests per second`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${title}">
<style>${STYLE}</style>
<text class="title" x="8" y="24">${title}</text>
${result.rows.map((row, index) => bar(row, TOP + index * STEP, scale)).join('\n')}
</svg>
`;
}

function bar({ peer, requestsPerSecond }: Row, y: number, scale: number): string {
  const { median, lowest, highest } = requestsPerSecond;
  const name = PEERS[peer];
  const x = (value: number): string => (LABELS + value * scale).toFixed(1);
  const middle = y + BAR / 2;
  return `<text x="${LABELS - 8}" y="${middle + 5}" text-anchor="end">${xmlText(name)}</text>
<rect class="${name.startsWith('rrts') ? 'ours' : 'theirs'}" x="${LABELS}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR}" rx="3"/>
<line class="range" x1="${x(lowest)}" x2="${x(highest)}" y1="${middle}" y2="${middle}"/>
<text x="${(Number(x(highest)) + 8).toFixed(1)}" y="${middle + 5}">${whole(median)}</text>`;
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

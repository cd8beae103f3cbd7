// Points in time as RPC writes them: RFC 3339.

const FORM = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970, or undefined for a text that is no RFC 3339 time. What is finer than a millisecond is cut. */
export function parseTimestamp(text: string): number | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, date, time, fraction = '', zone = 'Z'] = match;
  const parsed = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${zone.toUpperCase()}`);
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** To the nearest second: RoadRunner's PHP package cannot read a finer one. */
export function formatTimestamp(milliseconds: number): string {
  return `${new Date(Math.round(milliseconds / 1000) * 1000).toISOString().slice(0, 19)}+00:00`;
}

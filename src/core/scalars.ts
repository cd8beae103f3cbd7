// The scalars of the configuration: durations, sizes and addresses as people write them, turned into numbers and objects.

import { z } from 'zod';

/** Where to listen or to connect. An empty `host` means every interface. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Unit of a bare number in {@link size}. */
export type SizeUnit = 'b' | 'kb' | 'mb' | 'gb';

// A timer set for longer than this fires at once in Node, so a longer duration is cut to it: 24 days serve as "never".
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const BYTES_PER_UNIT: Readonly<Record<SizeUnit, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/**
 * A Go duration such as `60s`, `1h30m` or `500ms`, as milliseconds, rounded up to a whole one. A number without a unit
 * is refused, except 0: RoadRunner reads it as nanoseconds, which nobody means.
 */
export function duration() {
  return z
    .union([z.string(), z.number()], { error: missingOr('must be a duration such as 60s, 5m or 500ms') })
    .transform((text, context) => accept(context, text, parseDuration(text)))
    .meta({ 'x-kind': 'duration' });
}

/** Milliseconds of a Go duration, or a sentence that says what is wrong with it. */
export function parseDuration(text: string | number): number | string {
  const trimmed = String(text).trim();
  if (/^[+-]?0+(\.0*)?$/.test(trimmed)) return 0;
  if (/^\+?\d+(\.\d+)?$/.test(trimmed)) return `needs a unit: write ${trimmed.replace('+', '')}s`;
  if (trimmed.startsWith('-')) return 'must not be negative';
  if (!/^\+?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(trimmed)) {
    return 'must be a duration such as 60s, 5m, 1h30m or 500ms';
  }
  let milliseconds = 0;
  for (const [, count, unit] of trimmed.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    milliseconds += Number(count) * (MS_PER_UNIT[unit ?? ''] ?? 0);
  }
  return Math.min(Math.ceil(milliseconds), LONGEST_TIMER_MS);
}

/** Milliseconds as a person would write them: `1h30m`, `60s`, `500ms`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0';
  if (milliseconds % 1000 !== 0) return `${milliseconds}ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 3600 && (seconds <= 60 || seconds % 60 !== 0)) return `${seconds}s`;
  const parts: readonly [number, string][] = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ];
  return parts.map(([count, unit]) => (count === 0 ? '' : `${count}${unit}`)).join('');
}

/**
 * A size such as `128mb`, `64MiB` or `512k`, as bytes. Units are powers of 1024, with or without the `i`.
 * A bare number counts in `unit`; say in the description which.
 */
export function size(unit: SizeUnit = 'b') {
  return z
    .union([z.string(), z.number()], { error: missingOr('must be a size such as 128mb or 64kb') })
    .transform((text, context) => accept(context, text, parseSize(text, unit)))
    .meta({ 'x-kind': 'size', 'x-unit': unit });
}

/** Bytes of a size, or a sentence that says what is wrong with it. */
export function parseSize(text: string | number, unit: SizeUnit = 'b'): number | string {
  const match = /^\+?(\d+(?:\.\d+)?|\.\d+)\s*(?:([kmg])(?:i?b)?|b)?$/i.exec(String(text).trim());
  if (match === null) {
    return String(text).trim().startsWith('-') ? 'must not be negative' : 'must be a size such as 128mb or 64kb';
  }
  const [whole, count, prefix] = match;
  const named = prefix !== undefined ? (`${prefix.toLowerCase()}b` as SizeUnit) : /b$/i.test(whole) ? 'b' : unit;
  const bytes = Math.round(Number(count) * BYTES_PER_UNIT[named]);
  return Number.isSafeInteger(bytes) ? bytes : 'is larger than any memory';
}

/** An address: `127.0.0.1:8080`, `:8080`, `[::1]:8080`, `localhost:8080`, each also after `tcp://`, or `unix://path`. */
export function address() {
  return z
    .string({ error: missingOr('must be an address such as 127.0.0.1:8080 or unix:///run/app.sock') })
    .transform((text, context) => accept(context, text, parseAddress(text)))
    .meta({ 'x-kind': 'address' });
}

/** An address taken apart, or a sentence that says what is wrong with it. */
export function parseAddress(text: string): Address | string {
  const trimmed = text.trim();
  if (trimmed.startsWith('unix://')) {
    const path = trimmed.slice('unix://'.length);
    // sockaddr_un holds 108 bytes with the final zero; Linux would cut a longer path without a word.
    if (Buffer.byteLength(path) > 107) return 'has a socket path longer than 107 bytes';
    return path === '' ? 'needs a path after unix://' : { kind: 'unix', path };
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(trimmed);
  if (scheme !== null && scheme[1]?.toLowerCase() !== 'tcp') {
    return `has the scheme ${scheme[1]}://, but only tcp:// and unix:// exist here`;
  }
  return parseHostAndPort(trimmed.slice(scheme?.[0].length ?? 0));
}

/** The address as a person would write it. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix://${address.path}`;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/** The address as `net.Server.listen` and `net.connect` take it. */
export function listenOptions(address: Address): { path: string } | { port: number; host?: string } {
  if (address.kind === 'unix') return { path: address.path };
  return address.host === '' ? { port: address.port } : { port: address.port, host: address.host };
}

function parseHostAndPort(text: string): Address | string {
  if (text === '') return 'must not be empty: write an address such as 127.0.0.1:8080';
  if (/^\d+$/.test(text)) return `has no host and no colon: write 127.0.0.1:${text}, or :${text} for every interface`;
  const match = /^(?:\[([0-9a-f:.]+(?:%[^\]]+)?)\]|([^:/[\]\s]*)):(\d*)$/i.exec(text);
  if (match === null) {
    if (/^[0-9a-f:]+:[0-9a-f:]+$/i.test(text)) return 'is an IPv6 address without brackets: write [::1]:8080';
    return text.includes(':') ? 'must be host:port, such as 127.0.0.1:8080' : `has no port: write ${text}:8080`;
  }
  const port = match[3] === '' ? Number.NaN : Number(match[3]);
  if (Number.isNaN(port)) return `has no port: write ${text}8080`;
  if (port > 65_535) return 'has a port above 65535';
  return { kind: 'tcp', host: match[1] ?? match[2] ?? '', port };
}

function missingOr(message: string): (issue: { input?: unknown }) => string {
  return (issue) => (issue.input === undefined ? `is missing: ${message}` : message);
}

function accept<T extends number | Address>(context: z.RefinementCtx, input: unknown, result: T | string): T {
  if (typeof result !== 'string') return result;
  context.issues.push({ code: 'custom', message: result, input });
  return z.NEVER;
}

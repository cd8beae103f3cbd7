// Numbers and texts of a server as a terminal shows them.

/** `512 KB`, `24.1 MB`. A dash for what is not known. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return '-';
  const megabytes = bytes / 1024 ** 2;
  if (megabytes < 1) return `${Math.round(bytes / 1024)} KB`;
  return megabytes < 1024 ? `${megabytes.toFixed(1)} MB` : `${(megabytes / 1024).toFixed(2)} GB`;
}

/** `350 ms`, `4.2 s`, `12 s`, `5 m 12 s`, `3 h 5 m`, `2 d 4 h`. */
export function formatSpan(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1000) return `${ms} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  const parts: readonly [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(' ');
}

/** The text in at most `width` characters, none of which can command a terminal: what clients send is shown here. */
export function printable(text: string, width: number): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length <= width ? clean : `${clean.slice(0, Math.max(0, width - 3))}...`;
}

/** `1 worker`, `2 workers`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

// Headers of a job as clients write them.

/** Lists of strings by name; single values become lists, numbers text, all else is left out. Undefined for what is no map, and for an empty one. */
export function readHeaders(value: unknown): Record<string, string[]> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Buffer.isBuffer(value)) return undefined;
  const headers: Record<string, string[]> = Object.create(null);
  let some = false;
  for (const [name, given] of Object.entries(value)) {
    headers[name] = (Array.isArray(given) ? given : [given]).flatMap(textOf);
    some = true;
  }
  return some ? headers : undefined;
}

function textOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return [String(value)];
  return Buffer.isBuffer(value) ? [value.toString('latin1')] : [];
}

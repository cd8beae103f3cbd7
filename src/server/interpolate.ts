// The grammar of variables in configuration values: $NAME, ${NAME}, ${NAME:-default}, and $$ for a dollar sign.

/** A value with its variables put in. */
export interface Interpolated {
  readonly text: string;
  /** Names without a default that were not set; an empty text stands for each. */
  readonly unset: readonly string[];
  /** What is wrong with the expression; the text is then useless. */
  readonly fault: string | undefined;
}

/**
 * Puts variables in. As in RoadRunner a default counts when the variable is unset or empty, and an unset variable without
 * a default is empty; unlike RoadRunner several expressions in one value work, a default may hold further expressions,
 * and a dollar sign before anything but a name stays as it is.
 */
export function interpolate(text: string, environment: Readonly<Record<string, string | undefined>>): Interpolated {
  const unset: string[] = [];
  let result = '';
  let rest = text;
  while (rest !== '') {
    const dollar = rest.indexOf('$');
    if (dollar === -1) return { text: result + rest, unset, fault: undefined };
    result += rest.slice(0, dollar);
    rest = rest.slice(dollar);
    const expression = readExpression(rest);
    if (expression.kind === 'fault') return { text: '', unset, fault: expression.message };
    rest = rest.slice(expression.length);
    if (expression.kind === 'literal') {
      result += expression.text;
      continue;
    }
    const value = environment[expression.name];
    if (value !== undefined && value !== '') {
      result += value;
    } else if (expression.fallback !== undefined) {
      const inner = interpolate(expression.fallback, environment);
      if (inner.fault !== undefined) return inner;
      result += inner.text;
      unset.push(...inner.unset);
    } else if (value === undefined) {
      unset.push(expression.name);
    }
  }
  return { text: result, unset, fault: undefined };
}

type Expression =
  | { readonly kind: 'literal'; readonly length: number; readonly text: string }
  | { readonly kind: 'variable'; readonly length: number; readonly name: string; readonly fallback: string | undefined }
  | { readonly kind: 'fault'; readonly message: string };

/** Reads the expression at the start of `text`, which begins with a dollar sign. */
function readExpression(text: string): Expression {
  if (text.startsWith('$$')) return { kind: 'literal', length: 2, text: '$' };
  const bare = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(text);
  if (bare !== null) return { kind: 'variable', length: bare[0].length, name: bare[1] ?? '', fallback: undefined };
  if (!text.startsWith('${')) return { kind: 'literal', length: 1, text: '$' };
  const end = closingBrace(text);
  if (end === -1) return { kind: 'fault', message: `"${text.slice(0, 20)}" is never closed with }` };
  const inner = text.slice(2, end);
  const parts = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/.exec(inner);
  if (parts === null) {
    return { kind: 'fault', message: `"\${${inner}}" is not a variable: write \${NAME} or \${NAME:-default}` };
  }
  return { kind: 'variable', length: end + 1, name: parts[1] ?? '', fallback: parts[2] };
}

/** Index of the brace that closes the one at index 1; braces of expressions in the default are skipped. */
function closingBrace(text: string): number {
  let depth = 0;
  for (let index = 1; index < text.length; index++) {
    if (text[index] === '{' && text[index - 1] === '$') depth++;
    else if (text[index] === '}' && --depth === 0) return index;
  }
  return -1;
}

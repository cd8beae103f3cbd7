// How PHP types are written: in a signature, and for PHPStan in a doc block.

import { phpString } from './php-names.ts';
import type { PhpType, ShapeEntry } from './php-type.ts';

/** A line of a doc block may be so long before a shape is broken into lines. */
const LINE = 100;

/** The type of a signature, such as `?int` or `int|string|null`; `mixed` where PHP 8.1 has none. */
export function nativeType(type: PhpType): string {
  const names = [...new Set(nativeNames(type))];
  const rest = names.filter((name) => name !== 'null');
  if (rest.length === 0 || rest.includes('mixed')) return 'mixed';
  if (rest.length === names.length) return rest.join('|');
  return rest.length === 1 ? `?${rest[0]}` : `${rest.join('|')}|null`;
}

function nativeNames(type: PhpType): string[] {
  if (type.kind === 'union') return type.options.flatMap(nativeNames);
  return [type.kind === 'name' ? type.native : 'array'];
}

/**
 * The type as PHPStan reads it, in lines without the stars of a doc block.
 * @param before - length of what stands before it on its first line.
 */
export function docType(type: PhpType, before = 0): string {
  const line = inOneLine(type);
  return before + line.length <= LINE ? line : inLines(type, '');
}

function inOneLine(type: PhpType): string {
  switch (type.kind) {
    case 'name':
      return type.doc;
    case 'list':
      return `list<${inOneLine(type.item)}>`;
    case 'map':
      return `array<string, ${inOneLine(type.item)}>`;
    case 'union':
      return type.options.map(inOneLine).join('|');
    case 'shape': {
      const entries = type.entries.map((entry) => `${keyText(entry)}: ${inOneLine(entry.type)}`);
      return `array{${[...entries, ...(type.open ? ['...'] : [])].join(', ')}}`;
    }
  }
}

function inLines(type: PhpType, indent: string): string {
  switch (type.kind) {
    case 'list':
      return `list<${inLines(type.item, indent)}>`;
    case 'map':
      return `array<string, ${inLines(type.item, indent)}>`;
    case 'union':
      return type.options.map((option) => inLines(option, indent)).join('|');
    case 'shape': {
      if (type.entries.length === 0) return inOneLine(type);
      const deeper = `${indent}    `;
      const entries = type.entries.map((entry) => {
        const start = `${deeper}${keyText(entry)}: `;
        const line = inOneLine(entry.type);
        return start + (start.length + line.length < LINE ? line : inLines(entry.type, deeper));
      });
      return `array{\n${[...entries, ...(type.open ? [`${deeper}...`] : [])].join(',\n')},\n${indent}}`.replace(
        '...,\n',
        '...\n',
      );
    }
    default:
      return inOneLine(type);
  }
}

function keyText({ key, optional }: ShapeEntry): string {
  const name = /^([A-Za-z_][A-Za-z0-9_-]*|0|[1-9][0-9]*)$/.test(key) ? key : phpString(key);
  return optional ? `${name}?` : name;
}

/** A description as lines that fit into a doc block and cannot end it or be taken for a tag. */
export function docText(text: string | undefined, width = LINE): string[] {
  const words = (text ?? '')
    .replaceAll('*/', '* /')
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => word.replace(/^(\{?)@/, '$1(at)'));
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

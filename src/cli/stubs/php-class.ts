// The PHP class of a service: one typed method for each of its methods.

import { z } from 'zod';
import type { AnyServiceMethod, Service } from '../../plugins/bridge/services/define-service.ts';
import { type AnySchema, defOf } from '../../plugins/bridge/services/schema-tree.ts';
import { defaultOf } from './php-defaults.ts';
import { docText, docType, nativeType } from './php-doc.ts';
import { classNameOf, freeName, parameterNameOf, phpString } from './php-names.ts';
import {
  bareSchema,
  mayBeAbsent,
  NULL,
  type PhpType,
  phpTypeOf,
  UntypableError,
  unionOf,
  withoutOptional,
} from './php-type.ts';
import { dateConversion, indented } from './php-values.ts';

/** What a class is made from. */
export interface StubWish {
  /** Name of the service, as calls have it. */
  readonly service: string;
  /** Its file, as the configuration has it. */
  readonly file: string;
  readonly methods: Service['methods'];
  /** Namespace of the class, without a backslash in front. */
  readonly namespace: string;
}

/** First words of every generated file, by which they are known. */
export const STUB_MARK = '// Written by `rrts stubs`';

/** A parameter of a method. */
interface Parameter {
  /** Key of the input object; undefined when the parameter is the whole input. */
  readonly key: string | undefined;
  readonly name: string;
  readonly type: PhpType;
  readonly schema: AnySchema;
  readonly description: string | undefined;
  /** PHP text of its default; undefined when it must be given. */
  readonly default: string | undefined;
  /** Null is not sent: the service then does what it does without it. */
  readonly leftOut: boolean;
}

/** The text of the file. The same service always gives the same text. @throws UntypableError that names the place. */
export function phpClass({ service, file, methods, namespace }: StubWish): string {
  const name = classNameOf(service);
  const bodies = Object.entries(methods).map(([method, definition]) => methodText(service, method, definition));
  refuseDoubles(service, Object.keys(methods));
  return `<?php

${STUB_MARK} from ${oneLine(file)}. Changes here are lost: change the service and run it again.

declare(strict_types=1);

namespace ${namespace};

use Rrts\\Exception\\RpcException;
use Rrts\\Rpc\\Rpc;
use Rrts\\Rpc\\RpcInterface;

/**
 * The service \`${oneLine(service)}\`.
 */
final class ${name}
{
    private readonly RpcInterface $rpc;

    /**
     * @param RpcInterface|null $rpc how calls reach rrts; by default as the environment says
     * @param float|null $timeout seconds for each call; by default as rrts says
     */
    public function __construct(?RpcInterface $rpc = null, private readonly ?float $timeout = null)
    {
        $this->rpc = $rpc ?? Rpc::fromEnvironment();
    }

${bodies.join('\n\n')}
}
`;
}

/** PHP does not tell `get` from `Get`. */
function refuseDoubles(service: string, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const before = seen.get(name.toLowerCase());
    if (before !== undefined) throw new UntypableError(`${service}: ${before} and ${name} are one method in PHP`);
    if (name.startsWith('__')) throw new UntypableError(`${service}.${name}: PHP keeps methods with __ for itself`);
    seen.set(name.toLowerCase(), name);
  }
}

function methodText(service: string, name: string, method: AnyServiceMethod): string {
  const call = `${service}.${name}`;
  const parameters = parametersOf(method.input, `${call} input`);
  const output = phpTypeOf(method.output, 'output', `${call} output`);
  const returns = isNothing(output) ? 'void' : nativeType(output);
  const signature = parameters.map(
    (one) => `${nativeType(one.type)} $${one.name}${one.default === undefined ? '' : ` = ${one.default}`}`,
  );
  const head = `    public function ${name}(`;
  const oneLiner = `${head}${signature.join(', ')}): ${returns}`;
  const fits = oneLiner.length <= 120;
  const start = fits
    ? `${oneLiner}\n    {`
    : `${head}\n${indent(
        signature.map((part) => `${part},`),
        8,
      )}\n    ): ${returns} {`;
  const body = indent(bodyLines(call, method, parameters, output), 8);
  return `${docBlock(method, parameters, output)}\n${start}\n${body}\n    }`;
}

function isNothing(type: PhpType): boolean {
  return type.kind === 'name' && type.doc === 'null';
}

/** Those that must be given first, both in the order of the schema. */
function parametersOf(input: AnySchema, path: string): Parameter[] {
  const object = objectOf(input);
  if (object === undefined) return wholeInput(input, path);
  const shape = defOf(object);
  if (shape.type !== 'object') return [];
  const names = new Set<string>();
  const all = Object.entries(shape.shape).map(([key, schema]): Parameter => {
    const name = parameterNameOf(key);
    if (names.has(name)) throw new UntypableError(`${path}.${key}: is the second parameter with the name $${name}`);
    names.add(name);
    const optional = mayBeAbsent(schema, 'input');
    const type = phpTypeOf(optional ? withoutOptional(schema) : schema, 'input', `${path}.${key}`);
    const known = optional ? defaultOf(schema) : undefined;
    const leftOut = optional && known === undefined;
    return {
      key,
      name,
      type: leftOut ? unionOf([type, NULL]) : type,
      schema,
      description: descriptionOf(schema),
      default: optional ? (known ?? 'null') : undefined,
      leftOut,
    };
  });
  return [...all.filter((one) => one.default === undefined), ...all.filter((one) => one.default !== undefined)];
}

/** An input that is not an object is one parameter; nothing is none. */
function wholeInput(input: AnySchema, path: string): Parameter[] {
  const type = phpTypeOf(input, 'input', path);
  if (isNothing(type)) return [];
  const description = descriptionOf(input);
  return [{ key: undefined, name: 'input', type, schema: input, description, default: undefined, leftOut: false }];
}

/** The object that the properties are of, through refinements and pipes. */
function objectOf(schema: AnySchema): AnySchema | undefined {
  const def = defOf(schema);
  if (def.type === 'object') return schema;
  if (def.type === 'pipe') return objectOf(def.in);
  return def.type === 'readonly' || def.type === 'default' || def.type === 'prefault'
    ? objectOf(def.innerType)
    : undefined;
}

function docBlock(method: AnyServiceMethod, parameters: readonly Parameter[], output: PhpType): string {
  const about = docText(method.description ?? (objectOf(method.input) && descriptionOf(method.input)));
  const params = parameters.flatMap(({ name, type, description }) => {
    const start = `@param ${docType(type, 7)} $${name}`;
    return described(start, description);
  });
  const returned = isNothing(output) ? [] : [described(`@return ${docType(output, 8)}`, descriptionOf(method.output))];
  const blocks = [about, params, ...returned, ['@throws RpcException']].filter((block) => block.length > 0);
  const lines = blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]));
  const text = lines.flatMap((line) => line.split('\n')).map((line) => (line === '' ? '     *' : `     * ${line}`));
  return ['    /**', ...text, '     */'].join('\n');
}

/** A tag with what it says on the same line, however long: a tool would indent a second one by its own taste. */
function described(tag: string, description: string | undefined): string[] {
  const [text] = docText(description, Number.POSITIVE_INFINITY);
  return [text === undefined ? tag : `${tag} ${text}`];
}

/** What `.describe()` said, also of a schema that was made optional later. */
function descriptionOf(schema: AnySchema): string | undefined {
  const own = z.globalRegistry.get(schema)?.description ?? ('description' in schema ? schema.description : undefined);
  if (typeof own === 'string') return own;
  const def = defOf(schema);
  return 'innerType' in def ? descriptionOf(def.innerType as AnySchema) : undefined;
}

function bodyLines(
  call: string,
  method: AnyServiceMethod,
  parameters: readonly Parameter[],
  output: PhpType,
): string[] {
  const taken = new Set(parameters.map(({ name }) => name));
  const { before, argument } = argumentLines(method, parameters, freeName('arguments', taken));
  const [first, ...rest] = argument;
  const callLines = [`$this->rpc->call(${phpString(call)}, ${first}`, ...rest];
  callLines[callLines.length - 1] += ', $this->timeout);';
  if (isNothing(output)) return [...before, ...callLines];
  const result = `$${freeName('result', taken)}`;
  if (nativeType(output) === 'mixed') return [...before, `return ${callLines[0]}`, ...callLines.slice(1)];
  const converted = dateConversion(method.output, 'output', result);
  const wire = phpTypeOf(method.output, 'wire', call);
  const type = docType(wire, 20).split('\n');
  const declared = type.length === 1 ? [`/** @var ${type[0]} ${result} */`] : ['/**', ...varLines(type, result), ' */'];
  const lines = [...before, ...declared, `${result} = ${callLines[0]}`, ...callLines.slice(1), ''];
  return [...lines, `return ${converted ?? result};`];
}

function varLines(type: readonly string[], variable: string): string[] {
  return type.map((line, index) => {
    const start = index === 0 ? ' * @var ' : ' * ';
    return `${start}${line}${index === type.length - 1 ? ` ${variable}` : ''}`;
  });
}

/** The argument as PHP text in lines, and what has to stand before the call. */
function argumentLines(
  method: AnyServiceMethod,
  parameters: readonly Parameter[],
  variable: string,
): { before: string[]; argument: string[] } {
  const [only] = parameters;
  if (only === undefined) return { before: [], argument: [objectOf(method.input) === undefined ? 'null' : '[]'] };
  const value = (one: Parameter): string => dateConversion(one.schema, 'input', `$${one.name}`) ?? `$${one.name}`;
  if (only.key === undefined) return { before: [], argument: [value(only)] };
  const entry = (one: Parameter): string => `    ${phpString(one.key ?? '')} => ${indented(value(one))},`;
  const sent = parameters.filter(({ leftOut }) => !leftOut).map(entry);
  const list = sent.length === 0 ? ['[]'] : ['[', ...sent, ']'];
  const maybe = parameters.filter(({ leftOut }) => leftOut);
  if (maybe.length === 0) return { before: [], argument: list };
  const added = maybe.flatMap((one) => {
    const text = dateConversion(bareSchema(one.schema), 'input', `$${one.name}`) ?? `$${one.name}`;
    return [`if ($${one.name} !== null) {`, `    $${variable}[${phpString(one.key ?? '')}] = ${indented(text)};`, '}'];
  });
  const [first, ...rest] = list;
  const before = [`$${variable} = ${first}`, ...rest];
  before[before.length - 1] += ';';
  return { before: [...before, ...added], argument: [`$${variable}`] };
}

function indent(lines: readonly string[], by: number): string {
  const all = lines.flatMap((line) => line.split('\n'));
  return all.map((line) => (line === '' ? '' : ' '.repeat(by) + line)).join('\n');
}

function oneLine(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replaceAll('?>', '? >')
    .replaceAll('*/', '* /');
}

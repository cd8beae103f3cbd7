// The RPC service `app`: records of the application in the log of the server, with RoadRunner's methods.

import type { Logger } from '../../core/logger.ts';
import { escapeControls, fitJson } from '../../core/text.ts';
import { CallError, type Method, protoMethod } from '../../plugins/rpc-router/method.ts';
import { type LogEntry, LogEntrySchema, ResponseSchema } from '../../protocol/rpc/generated/applogger_pb.ts';

/** Characters of a text that are looked at. */
const TEXT_LIMIT = 8 * 1024;
/** Bytes of a text in the log, escapes included: with the log's own words around it 8 KiB are enough. */
const LOGGED_LIMIT = 7.5 * 1024;
const KEY_LIMIT = 128;
const MAX_ATTRIBUTES = 64;

/** Names that the log uses itself. An attribute of such a name gets a `_` behind it, so that no record can lie about its level or logger. */
const RESERVED = new Set(['level', 'ts', 'time', 'msg', 'logger', 'err', 'pid', 'hostname', 'v']);

const LEVELS = { Error: 'error', Warning: 'warn', Info: 'info', Debug: 'debug' } as const;

/**
 * The methods. Texts are one line each: control characters are escaped, as in what workers print.
 * @param raw - writes a line to stderr as it is, without level and time.
 */
export function appLogMethods(logger: Logger, raw: (line: string) => void): Record<string, Method> {
  const methods: Record<string, Method> = {
    Log: (argument) => {
      raw(line(argumentText(argument)));
      return true;
    },
    LogWithContext: protoMethod(LogEntrySchema, ResponseSchema, (entry) => {
      const attributes = Object.entries(attributesOf(entry)).map(([key, value]) => `${key}:${value}`);
      raw(fitJson([line(entry.message), attributes.join(',')].filter((part) => part !== '').join(' '), LOGGED_LIMIT));
      return {};
    }),
  };
  for (const [name, level] of Object.entries(LEVELS)) {
    methods[name] = (argument) => {
      logger[level]({}, line(argumentText(argument)));
      return true;
    };
    methods[`${name}WithContext`] = protoMethod(LogEntrySchema, ResponseSchema, (entry) => {
      logger[level](attributesOf(entry), line(entry.message));
      return {};
    });
  }
  return methods;
}

function argumentText(argument: unknown): string {
  if (typeof argument === 'string') return argument;
  // What is no UTF-8 comes as bytes.
  if (Buffer.isBuffer(argument)) return argument.toString('utf8', 0, TEXT_LIMIT);
  throw new CallError('app: the argument must be a text', 'ERR_RPC_ARGUMENT');
}

function line(text: string): string {
  return fitJson(escapeControls(text.slice(0, TEXT_LIMIT)), LOGGED_LIMIT);
}

function attributesOf({ logAttrs }: LogEntry): Record<string, string> {
  const attributes = logAttrs.slice(0, MAX_ATTRIBUTES).map(({ key, value }): [string, string] => {
    const name = escapeControls(key.slice(0, KEY_LIMIT));
    return [RESERVED.has(name) ? `${name}_` : name, line(value)];
  });
  const dropped = logAttrs.length - attributes.length;
  if (dropped > 0) attributes.push(['dropped_attributes', String(dropped)]);
  return Object.fromEntries(attributes);
}

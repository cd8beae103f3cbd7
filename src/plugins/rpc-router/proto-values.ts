// Protobuf messages to and from plain maps with the names of the .proto file, for callers that speak MessagePack.

import { create, type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { CallError } from './method.ts';

/** A message from a map. Unknown names and wrong types are refused. @throws CallError ERR_RPC_ARGUMENT that names the field. */
export function messageOf(type: DescMessage, value: unknown, path = ''): Message {
  const message = reflect(type);
  for (const [name, item] of Object.entries(asMap(value, path))) {
    const field = type.fields.find((one) => one.name === name);
    if (field === undefined) throw wrong(`${path}${name}: there is no such field in ${type.typeName}`);
    if (item !== null && item !== undefined) setField(message, field, item, `${path}${name}`);
  }
  return message.message;
}

/** The map of a message, or of what one can be made from; fields that are not set are left out. */
export function plainOf(type: DescMessage, init: unknown): Record<string, unknown> {
  return plainMessage(reflect(type, create(type, init as never)));
}

function setField(message: ReflectMessage, field: DescField, item: unknown, path: string): void {
  try {
    switch (field.fieldKind) {
      case 'scalar':
        message.set(field, scalarOf(field.scalar, item));
        break;
      case 'message':
        message.set(field, reflect(field.message, messageOf(field.message, item, `${path}.`) as never));
        break;
      case 'list': {
        const list = message.get(field);
        asArray(item, path).forEach((one, index) => void list.add(itemOf(field, one, `${path}[${index}]`)));
        break;
      }
      case 'map': {
        const map = message.get(field);
        for (const [key, one] of Object.entries(asMap(item, path))) map.set(key, itemOf(field, one, `${path}.${key}`));
        break;
      }
      default:
        message.set(field, item);
    }
  } catch (thrown) {
    if (thrown instanceof CallError) throw thrown;
    throw wrong(`${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

function itemOf(field: DescField & { fieldKind: 'list' | 'map' }, item: unknown, path: string): unknown {
  if (field.message !== undefined) return reflect(field.message, messageOf(field.message, item, `${path}.`) as never);
  return field.scalar === undefined ? item : scalarOf(field.scalar, item);
}

function scalarOf(type: ScalarType, item: unknown): unknown {
  if (type === ScalarType.BYTES && typeof item === 'string') return Buffer.from(item);
  if (isLong(type) && typeof item === 'number') return BigInt(item);
  return item;
}

function isLong(type: ScalarType): boolean {
  return [ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64, ScalarType.FIXED64, ScalarType.SFIXED64].includes(
    type,
  );
}

function plainMessage(message: ReflectMessage): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const field of message.fields) {
    if (message.isSet(field)) plain[field.name] = plainField(message, field);
  }
  return plain;
}

function plainField(message: ReflectMessage, field: DescField): unknown {
  switch (field.fieldKind) {
    case 'message':
      return plainMessage(message.get(field));
    case 'list':
      return [...message.get(field)].map(plainItem);
    case 'map':
      return new Map([...message.get(field)].map(([key, one]) => [key, plainItem(one)]));
    default:
      return message.get(field);
  }
}

function plainItem(item: unknown): unknown {
  return typeof item === 'object' && item !== null && 'fields' in item ? plainMessage(item as ReflectMessage) : item;
}

function asMap(value: unknown, path: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value)) return value;
  // PHP's empty array is a list.
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return {};
  throw wrong(`${path === '' ? 'the argument' : path.replace(/\.$/, '')} must be a map`);
}

function asArray(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(`${path} must be a list`);
}

function wrong(text: string): CallError {
  return new CallError(`rpc: ${text}`, 'ERR_RPC_ARGUMENT');
}

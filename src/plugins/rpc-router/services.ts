// Which method answers a call. Errors are those of Go's net/rpc, which clients know.

import { CallError, type Method } from './method.ts';

/** The methods of one name. */
export interface Service {
  /** A Map, so that `constructor` and the like are no methods. */
  readonly methods: ReadonlyMap<string, Method>;
  /** Longest time of a call in milliseconds when its caller says none, 0 for no limit; undefined for what is usual. */
  readonly timeoutMs: number | undefined;
}

/** Services by name. */
export type Services = ReadonlyMap<string, Service>;

/** A service from a plain object, as they are registered. */
export function serviceOf(
  methods: Readonly<Record<string, Method>>,
  options: { readonly timeoutMs?: number } = {},
): Service {
  return { methods: new Map(Object.entries(methods)), timeoutMs: options.timeoutMs };
}

/** A method and its service. */
export interface Target {
  readonly method: Method;
  readonly service: Service;
  /** Name of the service. */
  readonly serviceName: string;
}

/** Longest name that an error repeats; clients are not sent back a megabyte of what they sent. */
const QUOTED = 128;

/** Finds `Service.Method`. @throws CallError ERR_RPC_METHOD. */
export function findMethod(services: Services, name: string): Target {
  const dot = name.lastIndexOf('.');
  if (dot < 0) throw unknown(`rpc: service/method request ill-formed: ${quoted(name)}`);
  const serviceName = name.slice(0, dot);
  const service = services.get(serviceName);
  if (service === undefined) throw unknown(`rpc: can't find service ${quoted(name)}`);
  const method = service.methods.get(name.slice(dot + 1));
  if (method === undefined) throw unknown(`rpc: can't find method ${quoted(name)}`);
  return { method, service, serviceName };
}

function quoted(name: string): string {
  return name.length <= QUOTED ? name : `${name.slice(0, QUOTED)}...`;
}

function unknown(text: string): CallError {
  return new CallError(text, 'ERR_RPC_METHOD');
}

// The `rpc:` section: RoadRunner's key with RoadRunner's meaning, and limits for both doors.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { type Address, duration, formatAddress, parseAddress, size } from '../../core/scalars.ts';
import { DEFAULT_LIMITS, type RpcLimits } from '../rpc-router/router.ts';

/** Where the listener is; `none` for workers' own channels only. */
export type RpcAddress = Address | { readonly kind: 'none' };

const TOKEN_HELP =
  'set rpc.token, best from the environment, or listen on 127.0.0.1 or unix://; whoever connects manages the workers';
/** Printable, without spaces: it travels in the environment of workers. */
const TOKEN = /^[\x21-\x7e]{16,512}$/;
const SMALLEST_PAYLOAD = 4096;
/** What a worker's channel takes at most. */
const LARGEST_PAYLOAD = 256 * 1024 * 1024;

/** Schema of `rpc:`. */
export const rpcSchema = z
  .strictObject({
    listen: listenAddress()
      .meta({ 'x-kind': 'address' })
      .default({ kind: 'tcp', host: '127.0.0.1', port: 6001 })
      .describe(
        "Where RoadRunner's RPC protocol is answered, told to workers as RR_RPC: 127.0.0.1:6001, unix:///run/rrts/rpc.sock, or none. An address that other machines reach needs a token.",
      ),
    token: z
      .string({ error: 'must be a text of at least 16 characters' })
      .refine((text) => text === '' || TOKEN.test(text), {
        error: 'must have 16 to 512 printable characters, without spaces: openssl rand -hex 32 makes one',
      })
      .optional()
      .describe(
        'What TCP clients must say first, by rpc.Authenticate; workers find it as RRTS_RPC_TOKEN. At least 16 characters. Unix sockets are protected by their mode instead. Empty: none.',
      ),
    call_timeout: duration()
      .default(DEFAULT_LIMITS.callTimeoutMs)
      .describe(
        'Longest time of a call, of workers too, when neither the caller nor the service says another. 0: none.',
      ),
    max_payload: size('mb')
      .refine((bytes) => bytes >= SMALLEST_PAYLOAD && bytes <= LARGEST_PAYLOAD, { error: 'must be 4kb to 256mb' })
      .default(DEFAULT_LIMITS.maxPayload)
      .describe('Largest call and largest result, of workers too. A larger call gets an error and is not kept.'),
    max_in_flight: z
      .int()
      .min(1)
      .max(100_000)
      .default(DEFAULT_LIMITS.maxInFlight)
      .describe('Calls of one connection or worker that run at the same time; further ones wait.'),
    max_connections: z.int().min(1).max(100_000).default(1000).describe('Connections at once; one more is closed.'),
  })
  .superRefine(({ listen, token = '' }, context) => {
    if (listen.kind !== 'tcp' || isLoopback(listen.host) || token !== '') return;
    const message = `${formatAddress(listen)} can be reached from other machines and there is no token: ${TOKEN_HELP}`;
    context.addIssue({ code: 'custom', path: ['listen'], message });
  });

/** `rpc:` as parsed, names in camelCase. */
export type RpcConfig = CamelCased<z.output<typeof rpcSchema>>;

/** What is allowed and yet needs a thought. */
export function rpcWarnings({ listen, token = '' }: RpcConfig): { path: string[]; message: string }[] {
  if (listen.kind === 'tcp' && !isLoopback(listen.host)) {
    const message = `calls and the token travel unencrypted to ${formatAddress(listen)}: only on a network that you trust`;
    return [{ path: ['listen'], message }];
  }
  if (listen.kind === 'tcp' || token === '') return [];
  return [{ path: ['token'], message: 'is not asked for: rpc.listen is no TCP address' }];
}

/** Limits of both doors; without the section the usual ones. */
export function rpcLimits(config: RpcConfig | undefined): RpcLimits {
  if (config === undefined) return DEFAULT_LIMITS;
  return { callTimeoutMs: config.callTimeout, maxInFlight: config.maxInFlight, maxPayload: config.maxPayload };
}

/** RR_RPC as the SDK reads it, with a scheme; undefined without a listener. */
export function rpcUrl(config: RpcConfig | undefined): string | undefined {
  if (config === undefined || config.listen.kind === 'none') return undefined;
  const { listen } = config;
  return listen.kind === 'unix' ? formatAddress(listen) : `tcp://${formatAddress(listen)}`;
}

/** What a TCP client must say; undefined when nothing is asked. */
export function tokenOf(config: RpcConfig | undefined): string | undefined {
  return config?.listen.kind === 'tcp' && config.token !== '' ? config.token : undefined;
}

function listenAddress() {
  return z
    .string({ error: 'must be an address such as 127.0.0.1:6001, or none' })
    .transform((text, context): RpcAddress => {
      if (text.trim() === 'none') return { kind: 'none' };
      const address = parseAddress(text);
      if (typeof address !== 'string') return address;
      context.issues.push({ code: 'custom', message: address, input: text });
      return z.NEVER;
    });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

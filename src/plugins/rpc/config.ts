// The `rpc:` section: RoadRunner's key with RoadRunner's meaning.

import { z } from 'zod';
import type { CamelCased } from '../../core/camel-case.ts';
import { type Address, address } from '../../core/scalars.ts';

const LOCAL_ONLY =
  'must be of this machine (127.0.0.1, [::1], localhost or unix://): RPC has no authentication, and whoever connects manages the workers';

/** Schema of `rpc:`. */
export const rpcSchema = z.strictObject({
  listen: address()
    .refine(isLocal, { error: LOCAL_ONLY })
    .meta({ 'x-kind': 'address' })
    .default({ kind: 'tcp', host: '127.0.0.1', port: 6001 })
    .describe(
      "Where RoadRunner's RPC protocol is answered, told to workers as RR_RPC: 127.0.0.1:6001 or unix:///run/rpc.sock. Only addresses of this machine; there is no authentication.",
    ),
});

/** `rpc:` as parsed, names in camelCase. */
export type RpcConfig = CamelCased<z.output<typeof rpcSchema>>;

function isLocal(address: Address): boolean {
  if (address.kind === 'unix') return true;
  return address.host === 'localhost' || address.host === '::1' || /^127(\.\d{1,3}){3}$/.test(address.host);
}

// The RPC method `rpc.Config`: what the configuration says, for clients that look which sections there are.

import type { CallContext, PlainMethod } from '../../plugins/rpc-router/method.ts';
import { redact } from '../secrets.ts';

/**
 * Gives the configuration as JSON text: the keys as they are in the file, no defaults, no secrets. RoadRunner gives bytes, which are base64
 * in a JSON call.
 * @param written - asked at each call: a reload changes it.
 */
export function configMethod(written: () => Readonly<Record<string, unknown>>): PlainMethod {
  return (_argument: unknown, { codec }: CallContext) => {
    const bytes = Buffer.from(JSON.stringify(redact('', written())));
    return codec === 'json' ? bytes.toString('base64') : bytes;
  };
}

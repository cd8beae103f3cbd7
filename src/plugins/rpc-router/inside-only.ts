// Methods that only parts of rrts may call: over a channel or a listener they do not exist.

import { CallError, type PlainMethod } from './method.ts';

/** The method, for `callRpc` alone. Others get ERR_RPC_METHOD. */
export function insideOnly(method: PlainMethod): PlainMethod {
  return (argument, call) => {
    if (call.caller.inside !== true) throw new CallError(`rpc: can't find method ${call.method}`, 'ERR_RPC_METHOD');
    return method(argument, call);
  };
}

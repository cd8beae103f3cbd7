// A worker as the RPC door sees it.

import type { Channel } from './channel.ts';
import type { RpcPeer } from './owner.ts';

/** The peer behind a worker's channel. @param debug - whether it is shown the stacks of errors. */
export function rpcPeer(channel: Channel, pid: number, debug: boolean): RpcPeer {
  return {
    name: `worker ${pid}`,
    debug,
    quietZero: true,
    write: (frame, sent) => channel.writeReply(frame, sent),
  };
}

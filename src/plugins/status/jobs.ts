// GET /jobs: RoadRunner's array with one record for each pipeline.

import type { PluginContext } from '../plugin.ts';
import { CallError } from '../rpc-router/method.ts';
import type { SideAnswer } from '../side-server.ts';

/** The answer. @param unavailable - status while the server stops, and where there are no queues. */
export async function jobsAnswer(
  context: Pick<PluginContext, 'callRpc' | 'stopping'>,
  unavailable: number,
): Promise<SideAnswer> {
  if (context.stopping) return refusal(unavailable, 'service is shutting down');
  try {
    const body = JSON.stringify(await context.callRpc('jobs.States', null));
    return { status: 200, contentType: 'application/json', body };
  } catch (thrown) {
    if (thrown instanceof CallError && thrown.code === 'ERR_RPC_METHOD')
      return refusal(unavailable, 'jobs plugin not found');
    throw thrown;
  }
}

function refusal(status: number, text: string): SideAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` };
}

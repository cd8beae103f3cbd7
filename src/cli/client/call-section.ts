// Calls the service of a section of the configuration, which a server has only when it has that section.

import { isRrtsError, RrtsError } from '../../core/errors.ts';
import type { ReachedServer } from './reach-server.ts';

/** A call. */
export interface SectionCall {
  /** `jobs.Overview`: the section, and its method. */
  readonly method: string;
  readonly argument: unknown;
  readonly timeoutMs: number;
}

/** One call. @throws RrtsError ERR_CONTROL_CALL, also where there is no such section, and ERR_CONTROL_TIMEOUT. */
export async function callSection<T>({ client }: ReachedServer, call: SectionCall): Promise<T> {
  const { method, argument, timeoutMs } = call;
  try {
    return await client.call<T>(method, argument, timeoutMs);
  } catch (thrown) {
    if (!isRrtsError(thrown) || !thrown.message.includes("can't find service")) throw thrown;
    const section = method.slice(0, method.indexOf('.'));
    throw new RrtsError('ERR_CONTROL_CALL', `the server has no ${section} section`, {
      cure: `docs/${section}.md says how to write one. A server that boots has it a moment later.`,
    });
  }
}

// A bare Node server: what the HTTP front of rrts is made of, without PHP behind it.

import { join } from 'node:path';
import { Service } from '../service.ts';
import { freePort, type Workspace } from '../workspace.ts';
import type { Stack } from './stack.ts';

/** Starts it on a port of its own, in a process of its own. */
export async function startNode(workspace: Workspace, signal: AbortSignal): Promise<Stack> {
  const port = await freePort();
  const script = join(workspace.root, 'bench', 'peers', 'node-server.mjs');
  const service = await Service.start(
    {
      name: 'the bare Node server',
      command: [process.execPath, script, String(port)],
      cwd: workspace.folder,
      env: { NODE_ENV: 'production' },
      listens: port,
    },
    signal,
  );
  return { services: [service], urlOf: () => `http://127.0.0.1:${port}` };
}

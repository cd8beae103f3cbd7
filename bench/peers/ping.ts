// Bytes between PHP and a bare Node process over a socketpair: what a call costs before anything is done with it.

import { join } from 'node:path';
import { Service } from '../service.ts';
import { freePort, type Workspace } from '../workspace.ts';
import type { Stack } from './stack.ts';

/** Starts the Node process; it starts PHP for each request. */
export async function startPing(workspace: Workspace, signal: AbortSignal): Promise<Stack> {
  const port = await freePort();
  const script = join(workspace.root, 'bench', 'peers', 'ping-server.mjs');
  const service = await Service.start(
    {
      name: 'the ping-pong server',
      command: [process.execPath, script, String(port), join(workspace.root, 'bench', 'app', 'ping.php')],
      cwd: workspace.folder,
      env: { NODE_ENV: 'production' },
      listens: port,
    },
    signal,
  );
  return { services: [service], urlOf: () => `http://127.0.0.1:${port}` };
}

// A redis-server of Debian's package for the length of a case, which keeps everything in memory.

import { Service } from '../service.ts';
import { freePort, type Workspace } from '../workspace.ts';

/** Starts it. */
export async function startRedisServer(
  workspace: Workspace,
  signal: AbortSignal,
): Promise<{ readonly service: Service; readonly port: number }> {
  const port = await freePort();
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const service = await Service.start(
    {
      name: 'redis-server',
      command: ['redis-server', ...words, '--dir', workspace.folder],
      cwd: workspace.folder,
      env: {},
      listens: port,
    },
    signal,
  );
  return { service, port };
}

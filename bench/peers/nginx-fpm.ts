// nginx with php-fpm behind it, from the templates in bench/config.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import type { PeerId } from '../cases.ts';
import { Service } from '../service.ts';
import { freePort, type Workspace } from '../workspace.ts';
import type { Stack } from './stack.ts';

/**
 * nginx keeps its FastCGI connections: the most requests per second, but a request that is not on one of them waits long. A
 * connection holds a PHP process even while it is idle, so that nginx's processes together may keep only as many as there are:
 * with more, one nginx process would leave none to the other, which then answers nothing at all.
 */
export function startKeptFpm(workspace: Workspace, signal: AbortSignal): Promise<Stack> {
  const each = Math.max(1, Math.floor(workspace.workers / availableParallelism()));
  return startNginxFpm(inFolder(workspace, 'fpm-kept'), `keepalive ${each};`, signal);
}

/** A FastCGI connection per request, nginx's default: fewer requests per second, but every client gets its turn. */
export function startFreshFpm(workspace: Workspace, signal: AbortSignal): Promise<Stack> {
  return startNginxFpm(inFolder(workspace, 'fpm-fresh'), '', signal);
}

/** Kept connections would leave no PHP process to the others, so that the two ways need a php-fpm each. */
function inFolder(workspace: Workspace, name: string): Workspace {
  const folder = join(workspace.folder, name);
  mkdirSync(folder, { recursive: true });
  return { ...workspace, folder };
}

type FpmPeer = 'fpmPsr7' | 'fpmFresh' | 'fpmBare' | 'fpmSymfony';

/** Starts both; one pool of PHP processes serves all scripts, each on its own port. */
async function startNginxFpm(workspace: Workspace, keepalive: string, signal: AbortSignal): Promise<Stack> {
  const ports = {
    fpmPsr7: await freePort(),
    fpmFresh: await freePort(),
    fpmBare: await freePort(),
    fpmSymfony: await freePort(),
  };
  const fpm = await startFpm(workspace, signal);
  try {
    const nginx = await startNginx(workspace, { ports, keepalive }, signal);
    return { services: [nginx, fpm], urlOf: (peer: PeerId) => `http://127.0.0.1:${ports[peer as FpmPeer]}` };
  } catch (error) {
    await fpm.stop();
    throw error;
  }
}

function startFpm(workspace: Workspace, signal: AbortSignal): Promise<Service> {
  const { folder } = workspace;
  const user = userInfo();
  const root = user.uid === 0;
  const file = fill(workspace, 'php-fpm.conf', {
    workers: String(workspace.workers),
    identity: root ? `user = ${user.username}\ngroup = ${user.username}` : '',
  });
  // php-fpm refuses to run its children as root unless it is told twice.
  const command = [findFpm(), '--nodaemonize', ...(root ? ['--allow-to-run-as-root'] : []), '--fpm-config', file];
  return Service.start(
    { name: 'php-fpm', command, cwd: folder, env: {}, listens: join(folder, 'php-fpm.sock') },
    signal,
  );
}

function startNginx(
  workspace: Workspace,
  { ports, keepalive }: { ports: Record<FpmPeer, number>; keepalive: string },
  signal: AbortSignal,
): Promise<Service> {
  const app = join(workspace.root, 'bench', 'app');
  const scripts: Record<FpmPeer, string> = {
    fpmPsr7: join(app, 'fpm-psr7.php'),
    fpmFresh: join(app, 'fpm-psr7.php'),
    fpmBare: join(app, 'fpm-bare.php'),
    fpmSymfony: join(workspace.symfony, 'public', 'index.php'),
  };
  const servers = (Object.keys(ports) as FpmPeer[]).map((peer) =>
    serverBlock(ports[peer], scripts[peer], keepalive !== ''),
  );
  const identity = userInfo().uid === 0 ? `user ${userInfo().username};` : '';
  const file = fill(workspace, 'nginx.conf', { identity, keepalive, servers: servers.join('\n') });
  const command = [findProgram('nginx') ?? 'nginx', '-e', 'stderr', '-p', workspace.folder, '-c', file];
  return Service.start({ name: 'nginx', command, cwd: workspace.folder, env: {}, listens: ports.fpmPsr7 }, signal);
}

/** One script behind every path of a port, as a front controller is. The parameters are those of Debian's fastcgi_params. */
function serverBlock(port: number, script: string, kept: boolean): string {
  return `    server {
        listen 127.0.0.1:${port} backlog=511;
        location / {
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME ${script};
            fastcgi_param SCRIPT_NAME /${script.split('/').at(-1)};
            fastcgi_keep_conn ${kept ? 'on' : 'off'};
            fastcgi_pass php;
        }
    }`;
}

function fill(workspace: Workspace, name: string, values: Readonly<Record<string, string>>): string {
  const all: Record<string, string> = { ...values, folder: workspace.folder };
  const template = readFileSync(join(workspace.root, 'bench', 'config', name), 'utf8');
  const file = join(workspace.folder, name);
  writeFileSync(
    file,
    template.replace(/\{\{(\w+)\}\}/g, (_, key: string) => all[key] ?? ''),
  );
  return file;
}

function findFpm(): string {
  for (const folder of searchPath()) {
    const name = list(folder).find((entry) => /^php-fpm(\d+\.\d+)?$/.test(entry));
    if (name !== undefined) return join(folder, name);
  }
  throw new Error('php-fpm is not installed');
}

/** Debian has servers in sbin, which is not on the path of every user. */
export function findProgram(name: string): string | undefined {
  const folder = searchPath().find((path) => list(path).includes(name));
  return folder === undefined ? undefined : join(folder, name);
}

function searchPath(): string[] {
  return [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), '/usr/local/sbin', '/usr/sbin', '/sbin'];
}

function list(folder: string): string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : [];
}

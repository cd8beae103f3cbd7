// Where the control socket is looked for: server and commands must agree.

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  clientSocketPaths,
  SOCKET_NAME,
  type SocketPlace,
  serverSocketPaths,
} from '../../../src/server/control/socket-path.ts';
import { makeTempDir } from '../../helpers/temp-dir.ts';

function place(t: TestContext, more: Partial<SocketPlace> = {}): SocketPlace & { directory: string } {
  const dir = makeTempDir('socket-path');
  t.after(() => dir.remove());
  writeFileSync(dir.file('app.yaml'), '');
  return { file: 'app.yaml', directory: dir.path, written: undefined, environment: {}, uid: 1000, ...more };
}

const parents = (paths: readonly string[]): string[] => paths.map((path) => join(path, '..'));

test('the directories, in order; a command looks where a server may have it', (t) => {
  const environment = { RUNTIME_DIRECTORY: '/run/shop:/run/other', XDG_RUNTIME_DIR: '/run/user/1000' };
  const temporary = join(tmpdir(), 'rrts-1000');
  const server = serverSocketPaths(place(t, { environment }));
  assert.deepEqual(parents(server), ['/run/shop', '/run/user/1000/rrts', temporary]);
  assert.deepEqual(parents(serverSocketPaths(place(t))), [temporary]);
  assert.deepEqual(parents(clientSocketPaths(place(t))), [temporary, '/run/rrts']);
  const root = place(t, { uid: 0, environment: { XDG_RUNTIME_DIR: '/run/user/0' } });
  assert.deepEqual(parents(serverSocketPaths(root)), ['/run/rrts', join(tmpdir(), 'rrts-0')]);
  for (const path of server) assert.match(path.split('/').at(-1) ?? '', SOCKET_NAME);
});

test('however the file is named, the path is the same; another file has another', (t) => {
  const base = place(t);
  const one = serverSocketPaths(base);
  assert.deepEqual(serverSocketPaths({ ...base, file: `./${base.file}` }), one);
  assert.deepEqual(serverSocketPaths({ ...base, file: join(base.directory, 'app.yaml'), directory: '/' }), one);
  assert.notDeepEqual(serverSocketPaths({ ...base, file: 'other.yaml' }), one);
});

test('a deployment that switches a link does not move the socket; the path behind the link finds it as well', (t) => {
  const base = place(t);
  const at = (name: string): string => join(base.directory, name);
  for (const release of ['1', '2']) {
    mkdirSync(at(release));
    writeFileSync(at(`${release}/app.yaml`), '');
  }
  symlinkSync('1', at('current'));
  symlinkSync('2', at('next'));
  const before = serverSocketPaths({ ...base, directory: at('current') });
  const elsewhere = serverSocketPaths({ ...base, directory: at('2') });
  assert.ok(clientSocketPaths({ ...base, directory: at('current') }).includes(before[0] ?? ''));
  assert.ok(clientSocketPaths({ ...base, directory: at('next') }).includes(elsewhere[0] ?? ''));
});

test('servers that share /dev/null are told apart by their directory', (t) => {
  const [one, other] = [place(t, { file: '/dev/null' }), place(t, { file: '/dev/null' })];
  assert.notDeepEqual(serverSocketPaths(one), serverSocketPaths(other));
  assert.deepEqual(serverSocketPaths(one), serverSocketPaths(one));
});

test('control.socket is the only place; empty is none', (t) => {
  const base = place(t, { written: 'unix://var/c.sock' });
  assert.deepEqual(serverSocketPaths(base), [join(base.directory, 'var/c.sock')]);
  assert.deepEqual(clientSocketPaths({ ...base, written: '/run/a/c.sock' }), ['/run/a/c.sock']);
  assert.deepEqual(serverSocketPaths({ ...base, written: '' }), []);
  assert.deepEqual(clientSocketPaths({ ...base, written: '' }), []);
});

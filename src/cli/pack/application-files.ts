// Which files of an application go into the package of its function.

import picomatch from 'picomatch';
import { filesBelow, type PackageFile } from './package-files.ts';

/** What no function needs. Patterns are those of .gitignore without its signs: paths below the folder of the application. */
export const EXCLUDED: readonly string[] = [
  '.*ignore',
  '.DS_Store',
  '.editorconfig',
  '.env.local',
  '.env.*.local',
  '.git',
  '.gitattributes',
  '.github',
  '.gitlab-ci.yml',
  '.idea',
  '.netrc',
  '.npmrc',
  '.phpunit*',
  '.vscode',
  '*.zip',
  'auth.json',
  'Dockerfile*',
  'docker-compose*',
  'node_modules',
  'phpunit.xml*',
  'test',
  'tests',
  'var/log',
  'var/cache/{dev,test}',
  'vendor/*/*/{.git,.github,doc,docs,example,examples,test,tests,Tests}',
];

/** What `rrts lambda pack` is told about files. */
export interface FileWishes {
  /** Left out beside {@link EXCLUDED}. */
  readonly exclude: readonly string[];
  /** Taken although a pattern leaves them out. */
  readonly include: readonly string[];
}

/** The files of the application in `root`, under their own names. */
export function applicationFiles(root: string, { exclude, include }: FileWishes): PackageFile[] {
  const excluded = picomatch([...EXCLUDED, ...exclude], { dot: true });
  const included = picomatch(withContents(include), { dot: true });
  const leadsToIncluded = include.length === 0 ? () => false : leadsTo(include);
  return filesBelow(root, '', (path, isFolder) => {
    if (!excludedBy(path, excluded) || included(path)) return true;
    return isFolder && leadsToIncluded(path);
  });
}

/** A file is out when it, or a folder above it, is. */
function excludedBy(path: string, excluded: (path: string) => boolean): boolean {
  const parts = path.split('/');
  return parts.some((_, index) => excluded(parts.slice(0, index + 1).join('/')));
}

function withContents(patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => [pattern, `${pattern}/**`]);
}

/** Whether something below a folder is included: the first parts of a pattern match the folder. */
function leadsTo(patterns: readonly string[]): (folder: string) => boolean {
  return (folder) => {
    const depth = folder.split('/').length;
    return patterns.some((pattern) => {
      const parts = pattern.split('/');
      return parts.length > depth && picomatch.isMatch(folder, parts.slice(0, depth).join('/'), { dot: true });
    });
  };
}

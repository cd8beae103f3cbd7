// rrts lambda pack: writes the zip of a function.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { isRrtsError, RrtsError } from '../../core/errors.ts';
import { loadConfig } from '../../server/load-config.ts';
import { EXIT } from '../exit-codes.ts';
import { configSources, type GlobalOptions } from '../options.ts';
import { applicationFiles } from '../pack/application-files.ts';
import { bootstrapScript, NODE_FILE } from '../pack/bootstrap.ts';
import { type PackageFile, packageFile, textFile } from '../pack/package-files.ts';
import { RUNTIME_FOLDER, runtimeFiles } from '../pack/runtime-files.ts';
import { writeZip } from '../pack/write-zip.ts';

/** Options of this command alone. */
export interface PackOptions {
  /** A Node for the package; from a layer or the runtime without it. */
  readonly node?: string;
  readonly exclude?: readonly string[];
  readonly include?: readonly string[];
  /** Default: yes, where it can be. */
  readonly bundle?: boolean;
}

/** Where the application goes when it has names that the package needs. */
const APPLICATION_FOLDER = 'app';

const MB = 1024 * 1024;
/** Lambda's limits: of a package with its layers, unzipped; and of an upload without S3. */
const MOST_UNZIPPED = 250 * MB;
const MOST_UPLOADED = 50 * MB;

/** Packs the working directory; settles with the exit code. @param out - path of the zip. */
export async function packFunction(options: GlobalOptions, out: string, own: PackOptions): Promise<number> {
  const { directory } = options;
  const { path: config, text } = configInside(options);
  const target = resolve(directory, out);
  const wishes = { exclude: own.exclude ?? [], include: own.include ?? [] };
  const found = applicationFiles(directory, wishes).filter((file) => !isTaken(file, target));
  const node = own.node === undefined ? [] : [nodeFile(resolve(directory, own.node))];
  // Threads of the bridge, and modules in TypeScript, need files of rrts.
  const bundled = own.bundle !== false && !/(?:^|[\s{,"'])bridge["']?\s*:/m.test(text);
  const { files: runtime, program } = await runtimeFiles({ drivers: driversIn(text), bundled });
  const folder = found.some(isInTheWay) ? APPLICATION_FOLDER : '';
  const application = folder === '' ? found : found.map((file) => ({ ...file, name: `${folder}/${file.name}` }));
  const script = bootstrapScript({ program, config, folder });
  const files = [textFile('bootstrap', script, true), ...node, ...runtime, ...application];
  const size = await writeZip(target, files);
  const unzipped = sum(files);
  const parts = [
    `application ${inMb(sum(application))}`,
    `rrts ${inMb(sum(runtime))}`,
    ...node.map(({ bytes }) => `node ${inMb(bytes)}`),
  ];
  process.stdout.write(
    `${out}: ${files.length} files, ${inMb(size)}; unzipped ${inMb(unzipped)} (${parts.join(', ')})\n`,
  );
  warnOfSecrets(directory, found);
  if (unzipped > MOST_UNZIPPED)
    warn(`unzipped it is larger than the 250 MB that Lambda takes, layers included: leave files out with --exclude`);
  else if (size > MOST_UPLOADED) warn('it is larger than the 50 MB that Lambda takes directly: upload it through S3');
  return EXIT.ok;
}

/** The path of the configuration below the working directory, and what it says: includes too, as far as it can be read here. */
function configInside(options: GlobalOptions): { path: string; text: string } {
  const { directory } = options;
  const path = relative(directory, resolve(directory, options.config));
  if (path.startsWith('..') || isAbsolute(path)) {
    throw new RrtsError('ERR_LAMBDA_PACK', `${options.config} is outside of ${directory}, which is packed`, {
      cure: 'Change to the folder of the application, with -w for one.',
    });
  }
  try {
    return { path, text: JSON.stringify(loadConfig(configSources(options)).written) };
  } catch (thrown) {
    // The variables of the function are set in Lambda.
    if (!isRrtsError(thrown) || thrown.code !== 'ERR_CONFIG_ENVIRONMENT') throw thrown;
    warn(thrown.message);
    return { path, text: readFileSync(resolve(directory, path), 'utf8') };
  }
}

/** The bootstrap of an earlier package, and the zip itself. */
function isTaken({ name, source }: PackageFile, target: string): boolean {
  if (name === 'bootstrap') return true;
  return 'path' in source && (source.path === target || source.path === `${target}.part`);
}

/** Laravel has a folder of the name that Lambda wants for a file. */
function isInTheWay({ name }: PackageFile): boolean {
  return name.startsWith('bootstrap/') || name.startsWith(`${RUNTIME_FOLDER}/`);
}

/** A `.env` that is kept out of version control has secrets in it, as a rule. */
function warnOfSecrets(directory: string, files: readonly PackageFile[]): void {
  const ignore = resolve(directory, '.gitignore');
  if (!files.some(({ name }) => name === '.env') || !existsSync(ignore)) return;
  if (!/^\/?\.env\s*$/m.test(readFileSync(ignore, 'utf8'))) return;
  warn('.env is in the package, though .gitignore keeps it out of version control: --exclude .env leaves it out');
}

function nodeFile(path: string): PackageFile {
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new RrtsError('ERR_LAMBDA_PACK', `--node ${path}: there is no such file`);
  }
  return { ...packageFile(NODE_FILE, path), executable: true };
}

/** Names after `driver:`, in YAML or JSON. */
function driversIn(text: string): Set<string> {
  return new Set([...text.matchAll(/\bdriver["']?:\s*["']?(\w+)/g)].map(([, name = '']) => name));
}

function sum(files: readonly PackageFile[]): number {
  return files.reduce((bytes, file) => bytes + file.bytes, 0);
}

function inMb(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`;
}

function warn(text: string): void {
  process.stderr.write(`warning: ${text}\n`);
}

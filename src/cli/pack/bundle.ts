// rrts as one file: Node then opens one file at a cold start instead of seven hundred, which halves its time.

import { join } from 'node:path';
import { messageOf, RrtsError } from '../../core/errors.ts';

/** The bundle in the folder of rrts. */
export const BUNDLE_FILE = 'main.mjs';

/** Packages that the bundle may look for when it runs; those that it needs are beside it. */
const LOOKED_FOR = ['ioredis', 'lmdb', 'rabbitmq-client', 'pino-pretty', 'jiti', 'esbuild'];

/** Packages in the form of CommonJS ask for these. */
const BANNER = `import { createRequire as rrtsRequire } from 'node:module';
import { fileURLToPath as rrtsPath } from 'node:url';
const require = rrtsRequire(import.meta.url);
const __filename = rrtsPath(import.meta.url);
const __dirname = rrtsPath(new URL('.', import.meta.url));`;

/** The other commands stay out: no function runs them, and what they need would be loaded at the start. */
const ONE_COMMAND = {
  name: 'one command',
  setup(build: PluginBuild): void {
    build.onResolve({ filter: /^\.\/commands\// }, ({ path }) => {
      return path === './commands/lambda.js' ? undefined : { path, external: true };
    });
  },
};

interface PluginBuild {
  onResolve(options: { filter: RegExp }, resolve: (found: { path: string }) => object | undefined): void;
}

/** As much of esbuild as is used here. */
interface Esbuild {
  build(options: object): Promise<{ readonly outputFiles: readonly { readonly text: string }[] }>;
}

/**
 * The text of the bundle; undefined when esbuild is not installed.
 * @param root - folder of the package rrts.
 * @throws RrtsError ERR_LAMBDA_PACK
 */
export async function bundle(root: string): Promise<string | undefined> {
  const esbuild = await loadEsbuild();
  if (esbuild === undefined) return undefined;
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: [join(root, 'dist/cli/main.js')],
      absWorkingDir: root,
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: LOOKED_FOR,
      plugins: [ONE_COMMAND],
      banner: { js: BANNER },
      minifyWhitespace: true,
      legalComments: 'eof',
      logLevel: 'silent',
    });
    return outputFiles[0]?.text;
  } catch (thrown) {
    throw new RrtsError('ERR_LAMBDA_PACK', `esbuild cannot bundle rrts: ${messageOf(thrown)}`, {
      cure: '--no-bundle packs its files as they are.',
      cause: thrown,
    });
  }
}

/** Not a dependency: who has it gets the quicker start. */
async function loadEsbuild(): Promise<Esbuild | undefined> {
  const name = 'esbuild';
  try {
    return (await import(name)) as Esbuild;
  } catch {
    return undefined;
  }
}

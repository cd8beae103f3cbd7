// rrts stubs: a PHP class for each typed service, for completion in editors and for checks by PHPStan.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf, RrtsError } from '../../core/errors.ts';
import type { BridgeConfig } from '../../plugins/bridge/config.ts';
import { loadModule } from '../../plugins/bridge/load-module.ts';
import type { Service } from '../../plugins/bridge/services/define-service.ts';
import { loadServices } from '../../plugins/bridge/services/load-services.ts';
import { loadConfig } from '../../server/load-config.ts';
import { EXIT } from '../exit-codes.ts';
import { configSources, type GlobalOptions } from '../options.ts';
import { phpClass } from '../stubs/php-class.ts';
import { classNameOf } from '../stubs/php-names.ts';
import { UntypableError } from '../stubs/php-type.ts';

/** Options of `rrts stubs`. */
export interface StubsOptions {
  /** Folder of the classes, relative to the working directory. */
  readonly out: string;
  readonly namespace: string;
  /** Writes nothing and tells what is stale. */
  readonly check?: boolean;
}

interface Stub {
  /** As it is shown: relative where --out is. */
  readonly path: string;
  readonly text: string;
}

/**
 * Writes the classes, or with `--check` compares them. The exit code is then {@link EXIT}.stale when one is missing or differs.
 * @throws RrtsError ERR_CONFIG_INVALID without services and for a wrong namespace, ERR_BRIDGE_MODULE for a service that cannot be loaded or typed.
 */
export async function writeStubs(options: GlobalOptions, own: StubsOptions): Promise<number> {
  const stubs = await makeStubs(options, own);
  const stale = stubs.filter(({ path, text }) => readIfThere(resolve(options.directory, path)) !== text);
  if (own.check === true) return tellStale(options, stubs, stale);
  for (const { path, text } of stale) {
    const file = resolve(options.directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  if (options.silent !== true) {
    for (const stub of stubs) console.log(stale.includes(stub) ? `wrote ${stub.path}` : `${stub.path} is up to date`);
  }
  return EXIT.ok;
}

function tellStale(options: GlobalOptions, stubs: readonly Stub[], stale: readonly Stub[]): number {
  for (const { path } of stale) {
    const there = readIfThere(resolve(options.directory, path)) !== undefined;
    console.error(`${path} is ${there ? 'not what the service says now' : 'missing'}`);
  }
  if (stale.length > 0) {
    console.error('Run rrts stubs with the same options, without --check.');
    return EXIT.stale;
  }
  if (options.silent !== true) for (const { path } of stubs) console.log(`${path} is up to date`);
  return EXIT.ok;
}

async function makeStubs(options: GlobalOptions, { out, namespace }: StubsOptions): Promise<Stub[]> {
  const trimmed = namespace.replace(/^\\|\\$/g, '');
  if (!/^[A-Za-z_]\w*(\\[A-Za-z_]\w*)*$/.test(trimmed)) {
    throw new RrtsError('ERR_CONFIG_INVALID', `--namespace ${namespace}: must be a namespace such as App\\Node`);
  }
  const files = servicesOf(options);
  const services = await loadServices({ services: files, directory: options.directory, load: loadModule });
  const stubs = [...services].map(([service, { methods }]): Stub => {
    const text = classText({ service, file: files[service] ?? '', methods, namespace: trimmed });
    return { path: join(out, `${classNameOf(service)}.php`), text };
  });
  const double = stubs.find(({ path }, index) => stubs.findIndex((one) => one.path === path) !== index);
  if (double === undefined) return stubs;
  throw new RrtsError('ERR_CONFIG_INVALID', `bridge.services: two services would have the class of ${double.path}`, {
    cure: 'Give one of them another name.',
  });
}

function servicesOf(options: GlobalOptions): Readonly<Record<string, string>> {
  const { config } = loadConfig(configSources(options));
  const { services = {} } = (config.plugins.get('bridge') ?? {}) as Partial<BridgeConfig>;
  if (Object.keys(services).length > 0) return services;
  throw new RrtsError('ERR_CONFIG_INVALID', `${options.config}: there is no service to write a class for`, {
    cure: 'Name one: bridge: { services: { thumbnails: ./services/thumbnails.ts } }',
  });
}

function classText(wish: { service: string; file: string; methods: Service['methods']; namespace: string }): string {
  try {
    return phpClass(wish);
  } catch (thrown) {
    if (!(thrown instanceof UntypableError)) throw thrown;
    throw new RrtsError('ERR_BRIDGE_MODULE', messageOf(thrown), { place: wish.file, cause: thrown });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Missing, or not to be read: writing it will say why.
    return undefined;
  }
}

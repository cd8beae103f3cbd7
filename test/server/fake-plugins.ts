// Plugins that write down what happens to them, and a configuration that has sections for them.

import { z } from 'zod';
import type { Logger } from '../../src/core/logger.ts';
import type { PluginContext } from '../../src/plugins/plugin.ts';
import type { AnyPluginType } from '../../src/server/built-in-plugins.ts';
import { type RootConfig, rootSchema, toRootConfig } from '../../src/server/config.ts';

/** What a fake plugin does beside writing it down. */
export interface Behaviour {
  readonly start?: (context: PluginContext) => Promise<void>;
  readonly stop?: (graceMs: number) => Promise<void>;
}

/** A plugin type that pushes `start name` and `stop name` to `events`. */
export function fakePlugin(name: string, events: string[], behaviour: Behaviour = {}): AnyPluginType {
  return {
    name,
    schema: z.unknown(),
    create: (_config, context) => ({
      async start() {
        events.push(`start ${name}`);
        await behaviour.start?.(context);
      },
      async stop(graceMs) {
        events.push(`stop ${name}`);
        await behaviour.stop?.(graceMs);
      },
    }),
  };
}

/** A configuration with sections for the named plugins; `host` are further sections of the file. */
export function configFor(names: readonly string[], host: Readonly<Record<string, unknown>> = {}): RootConfig {
  const parsed = rootSchema.parse({ version: '3', server: { command: 'php worker.php' }, ...host });
  return { ...toRootConfig(parsed), plugins: new Map(names.map((name) => [name, {}])) };
}

/** A logger that keeps what is logged as `level message`. */
export class KeptLog implements Logger {
  readonly lines: string[] = [];

  debug(_facts: object, message: string): void {
    this.lines.push(`debug ${message}`);
  }

  info(_facts: object, message: string): void {
    this.lines.push(`info ${message}`);
  }

  warn(_facts: object, message: string): void {
    this.lines.push(`warn ${message}`);
  }

  error(_facts: object, message: string): void {
    this.lines.push(`error ${message}`);
  }

  child(): Logger {
    return this;
  }
}

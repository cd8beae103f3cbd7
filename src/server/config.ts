// The root of the configuration: the server's own sections, and one for each plugin.

import { z } from 'zod';
import { type CamelCased, camelCased } from '../core/camel-case.ts';
import { LIVE } from '../core/reload-mark.ts';
import { duration } from '../core/scalars.ts';
import { DRIVERS } from '../plugins/jobs/drivers.ts';
import { serverSchema } from '../worker/config.ts';
import { BUILT_IN_PLUGINS } from './built-in-plugins.ts';
import { logsSchema } from './logs-config.ts';

const endureSchema = z.strictObject({
  grace_period: duration()
    .default(30_000)
    .describe('At stop: longest time for everything together. What is not done by then is cut.'),
});

const controlSchema = z.strictObject({
  socket: z
    .string()
    .optional()
    .describe(
      'Unix socket on which the server takes the commands rrts workers, reset, reload and stop, of its own user and root only. It must be in a directory of mode 0700. Default: a path that commands find by the path of this file. Empty: none.',
    ),
});

const hostShape = {
  version: z.literal('3').describe('Version of the format, as a text: "3".'),
  include: z
    .array(z.string().min(1))
    .meta(LIVE)
    .optional()
    .describe('Further files, relative to the working directory. Their keys win over those of this file.'),
  envfile: z
    .string()
    .min(1)
    .meta(LIVE)
    .optional()
    .describe('A dotenv file. Variables that the environment has already keep their value.'),
  server: serverSchema.meta(LIVE).optional().describe('How workers are started.'),
  logs: logsSchema.prefault({}).describe('What is logged, how and where.'),
  endure: endureSchema.meta(LIVE).prefault({}).describe('Start and stop of the whole server.'),
  control: controlSchema.prefault({}).describe('How commands reach the running server.'),
};

/** RoadRunner's sections for drivers of queues. */
const driverShape: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  DRIVERS.flatMap(({ name, section }) => (section === undefined ? [] : [[name, section.optional()]])),
);

/** Schema of a whole configuration file. */
export const rootSchema = z.strictObject({
  ...hostShape,
  ...driverShape,
  ...Object.fromEntries(BUILT_IN_PLUGINS.map((plugin) => [plugin.name, plugin.schema.optional()])),
});

/** Schema of the server's own sections. */
export const HOST_SCHEMA = z.object(hostShape);

/** The server's own sections, names in camelCase. */
export type HostConfig = CamelCased<z.output<typeof HOST_SCHEMA>>;

/** A validated configuration. */
export interface RootConfig extends HostConfig {
  /** The parsed section of each plugin that the file has one for, names in camelCase. */
  readonly plugins: ReadonlyMap<string, unknown>;
  /** The parsed sections of drivers, names in camelCase. */
  readonly sections: ReadonlyMap<string, unknown>;
}

/** Names in camelCase, and the sections of the plugins apart from the server's own. */
export function toRootConfig(parsed: z.output<typeof rootSchema>): RootConfig {
  const plugins = new Map<string, unknown>();
  const sections = parsed as Readonly<Record<string, unknown>>;
  for (const { name, schema } of BUILT_IN_PLUGINS) {
    if (sections[name] !== undefined) plugins.set(name, camelCased(schema, sections[name]));
  }
  const drivers = new Map<string, unknown>();
  for (const [name, schema] of Object.entries(driverShape)) {
    if (sections[name] !== undefined) drivers.set(name, camelCased(schema, sections[name]));
  }
  const host = Object.fromEntries(Object.keys(hostShape).map((key) => [key, sections[key]]));
  return { ...camelCased(HOST_SCHEMA, host as z.output<typeof HOST_SCHEMA>), plugins, sections: drivers };
}

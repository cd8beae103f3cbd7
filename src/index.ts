// The public names of the package, for programs that embed rrts and for plugins.

export { z } from 'zod';
export { ERROR_CODES, type ErrorCode, type ErrorDetails, isRrtsError, RrtsError } from './core/errors.ts';
export { type Logger, silentLogger } from './core/logger.ts';
export { type Address, address, duration, size } from './core/scalars.ts';
export {
  bytes,
  defineService,
  type KeyValueStore,
  type Service,
  type ServiceContext,
  type ServiceMethod,
} from './plugins/bridge/services/define-service.ts';
export type { Health, Plugin, PluginContext, PluginType, PoolSpec } from './plugins/plugin.ts';
export { type CallContext, CallError, type Caller, type Method, protoMethod } from './plugins/rpc-router/method.ts';
export type { Pool } from './pool/pool.ts';
export { PoolRequest } from './pool/request.ts';
export type { PoolStats, WorkerStats } from './pool/stats.ts';
export { type ConfigSources, type LoadedConfig, loadConfig } from './server/load-config.ts';
export { type Logs, openLogs } from './server/logging.ts';
export { Server, type ServerOptions } from './server/server.ts';
export { VERSION } from './version.ts';

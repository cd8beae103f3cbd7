// The RPC service `service`: RoadRunner's methods over the services.

import { camelCased } from '../../core/camel-case.ts';
import { quoteBytes } from '../../core/text.ts';
import type { Create } from '../../protocol/rpc/generated/service_pb.ts';
import {
  CreateSchema,
  ListSchema,
  ResponseSchema,
  ServiceSchema,
  StatusesSchema,
  StatusSchema,
} from '../../protocol/rpc/generated/service_pb.ts';
import type { UsageReader, WorkerUsage } from '../../worker/usage.ts';
import { CallError, type Method, protoMethod } from '../rpc-router/method.ts';
import { NO_SERVICE_NAME, SERVICE_NAME, type ServiceConfig, serviceKeys } from './config.ts';
import type { ProcessReport } from './service.ts';
import type { Services } from './services.ts';

const DONE = { ok: true, message: '' };

/** gRPC's code for what is not there. */
const UNAVAILABLE = 14;

/** The methods. Errors name the service. */
export function serviceMethods(services: Services, readUsage: UsageReader): Record<string, Method> {
  const reports = async (name: string) => {
    const { processes } = services.find(name);
    const usage = await readUsage(processes.filter(({ running }) => running).map(({ pid }) => pid));
    return processes.map((process) => statusOf(process, usage.get(process.pid)));
  };
  return {
    Create: protoMethod(CreateSchema, ResponseSchema, async (message) => {
      await services.create(message.name, configOf(message));
      return DONE;
    }),
    Terminate: protoMethod(ServiceSchema, ResponseSchema, async ({ name }) => {
      await services.terminate(name);
      return DONE;
    }),
    Restart: protoMethod(ServiceSchema, ResponseSchema, async ({ name }) => {
      await services.restart(name);
      return DONE;
    }),
    Status: protoMethod(ServiceSchema, StatusSchema, async ({ name }) => (await reports(name))[0] ?? {}),
    Statuses: protoMethod(ServiceSchema, StatusesSchema, async ({ name }) => ({ status: await reports(name) })),
    List: protoMethod(ServiceSchema, ListSchema, () => ({ services: services.all.map(({ name }) => name) })),
  };
}

/** Zero is what a client sends that says nothing, so it stands for RoadRunner's default. */
function configOf(message: Create): ServiceConfig {
  const { name, command, env } = message;
  const number = (value: bigint): number | undefined => (value === 0n ? undefined : Number(value));
  const section = {
    command,
    process_num: number(message.processNum),
    exec_timeout: `${message.execTimeout}s`,
    remain_after_exit: message.remainAfterExit,
    restart_sec: number(message.restartSec),
    timeout_stop_sec: number(message.timeoutStopSec),
    service_name_in_log: message.serviceNameInLogs,
    env,
  };
  if (!SERVICE_NAME.test(name)) refuse(quoteBytes(Buffer.from(name), 128), `name: ${NO_SERVICE_NAME}`);
  if (command.trim() === '') refuse(name, 'command: is empty');
  const { data, error } = serviceKeys.safeParse(section);
  if (data !== undefined) return camelCased(serviceKeys, data);
  const [issue] = error.issues;
  return refuse(name, `${issue?.path.join('.')}: ${issue?.message}`);
}

function refuse(name: string, why: string): never {
  throw new CallError(`service ${name}: ${why}`, 'ERR_RPC_ARGUMENT');
}

function statusOf({ pid, command, running, message }: ProcessReport, usage: WorkerUsage | undefined) {
  return {
    pid,
    command,
    cpuPercent: (usage?.cpuRatio ?? 0) * 100,
    memoryUsage: BigInt(usage?.memoryBytes ?? 0),
    ...(running ? {} : { status: { code: UNAVAILABLE, message } }),
  };
}

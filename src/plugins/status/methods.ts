// The RPC service `status`: the probes of one plugin, with RoadRunner's messages.

import { RequestSchema, ResponseSchema } from '../../protocol/rpc/generated/status_pb.ts';
import { CallError, type Method, protoMethod } from '../rpc-router/method.ts';
import type { PluginReport, Probe } from './report.ts';

/** The methods. @param ask - the report of one plugin. */
export function statusMethods(ask: (probe: Probe, plugin: string) => PluginReport | undefined): Record<string, Method> {
  const method = (probe: Probe): Method =>
    protoMethod(RequestSchema, ResponseSchema, ({ plugin }) => {
      const report = ask(probe, plugin);
      if (report === undefined || report.status_code === 404) {
        throw new CallError(`no such plugin: ${plugin}`, 'ERR_RPC_ARGUMENT');
      }
      return { code: BigInt(report.status_code), message: report.error_message };
    });
  return { Status: method('health'), Ready: method('ready') };
}

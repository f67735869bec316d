import { SERVER_FAILURES, STATUS_CODES } from "./instrument.ts";
import type { instruments } from "./instruments.ts";
import type { Labels } from "./metrics.ts";

export type StatusCode = (typeof STATUS_CODES)[number];
type ServerFailure = (typeof SERVER_FAILURES)[number];
export type CallLabels = Labels<typeof instruments.rpcServerCallDuration>;
export type RpcSystem = CallLabels["rpc.system.name"];

/** The method of calls to something that is not served, so that callers cannot make labels up. */
export const UNKNOWN_METHOD = "_OTHER";

/** Whether a call with this status failed through the service's own doing: its span is an error, its metric has `error.type`. */
export function isServerFailure(status: StatusCode): status is ServerFailure {
  return (SERVER_FAILURES as readonly StatusCode[]).includes(status);
}

/** The status of a canonical code's number, 0 to 16; UNKNOWN for any other. */
export function statusCode(number: number): StatusCode {
  return STATUS_CODES[number] ?? "UNKNOWN";
}

const known = new Map<string, CallLabels>();

/**
 * The labels of rpc.server.call.duration for one way that a call can end; the same object every time.
 *
 * `method` MUST be `package.Service/Method` of a method that is served, or UNKNOWN_METHOD: every other value stays in
 * memory, and in each scrape, for good.
 */
export function callLabels(system: RpcSystem, method: string, status: StatusCode): CallLabels {
  const key = `${system} ${method} ${status}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const labels: CallLabels = Object.freeze({
    "rpc.system.name": system,
    "rpc.method": method,
    "rpc.status_code": status,
    ...(isServerFailure(status) && { "error.type": status }),
  });
  known.set(key, labels);
  return labels;
}

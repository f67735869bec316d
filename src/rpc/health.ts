import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import {
  type HealthCheckRequest,
  Health as HealthService,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/ts/health/v1/health_pb.ts";
import { Fault } from "../fault.ts";
import { drainingKey } from "./interceptors.ts";

/**
 * What grpc.health.v1 tells about this server (https://github.com/grpc/grpc/blob/master/doc/health-checking.md): a status
 * for `""`, the server as a whole, and one for each service.
 */
export interface Health {
  /** Sets the status of a service by its full name, or of the server as a whole (`""`), and tells it to who watches. */
  setStatus(service: string, serving: boolean): void;
  /** Everything is NOT_SERVING from now on, whatever setStatus says later. */
  drain(): void;
  /** Registers Check, List and Watch. */
  readonly routes: (router: ConnectRouter) => void;
}

/** Health of the services; all are SERVING until something else is said. */
export function createHealth(services: readonly DescService[]): Health {
  const statuses = new Map<string, Status>(["", ...services.map(({ typeName }) => typeName)].map(serving));
  const watchers = new Set<() => void>();
  let drained = false;
  const tell = () => {
    for (const changed of [...watchers]) changed();
  };
  return {
    setStatus(service, isServing) {
      if (drained) return;
      statuses.set(service, isServing ? Status.SERVING : Status.NOT_SERVING);
      tell();
    },
    drain() {
      drained = true;
      for (const service of statuses.keys()) statuses.set(service, Status.NOT_SERVING);
      tell();
    },
    routes: (router) =>
      router.service(HealthService, {
        check: ({ service }) => ({ status: known(statuses, service) }),
        list: () => ({ statuses: Object.fromEntries([...statuses].map(([service, status]) => [service, { status }])) }),
        watch: (request, context) => watch(request, context, statuses, watchers),
      }),
  };
}

function serving(service: string): [string, Status] {
  return [service, Status.SERVING];
}

function known(statuses: ReadonlyMap<string, Status>, service: string): Status {
  const status = statuses.get(service);
  if (status !== undefined) return status;
  throw new Fault("not_found", `there is no service ${service}`, {
    reason: "SERVICE_UNKNOWN",
    resource: { type: "grpc.service", name: service },
  });
}

/** The status now and after every change, until the caller goes or the connection drains. */
async function* watch(
  { service }: HealthCheckRequest,
  context: HandlerContext,
  statuses: ReadonlyMap<string, Status>,
  watchers: Set<() => void>,
): AsyncGenerator<{ status: Status }> {
  const draining = context.values.get(drainingKey);
  let wake = () => {};
  const changed = () => wake();
  watchers.add(changed);
  context.signal.addEventListener("abort", changed);
  draining.addEventListener("abort", changed);
  try {
    for (let told: Status | undefined; !context.signal.aborted; ) {
      const status = statuses.get(service) ?? Status.SERVICE_UNKNOWN;
      const next = new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (status !== told) yield { status };
      else if (draining.aborted) throw reconnect();
      else await next;
      told = status;
    }
  } finally {
    watchers.delete(changed);
    context.signal.removeEventListener("abort", changed);
    draining.removeEventListener("abort", changed);
  }
}

/** Clients begin to watch anew after any status but UNIMPLEMENTED. */
function reconnect(): Fault {
  return new Fault("unavailable", "this connection is closing; watch over a new one", {
    reason: "CONNECTION_DRAINING",
  });
}

import { Fault } from "../../fault.ts";
import { member } from "../facts/told.ts";
import type { ParsedEvent, ParsedTrace, TraceWarning } from "../trace.ts";

/** Name and namespace of a RemediationRequest, and the events that are its own. */
export interface RequestEvents {
  readonly name: string;
  /** Empty where neither an event nor the caller tells one. */
  readonly namespace: string;
  readonly events: readonly ParsedEvent[];
  readonly warnings: readonly TraceWarning[];
}

interface Identity {
  readonly name: string;
  readonly namespace: string;
}

/**
 * Tells which request a trace is about. Where its events name several, it is the one in the namespace asked for, else the
 * first that is named; events that name another are left out, those that name none stay.
 *
 * @throws Fault `not_found` where events name requests, and none in the namespace asked for.
 */
export function selectRequest(trace: ParsedTrace, namespace = ""): RequestEvents {
  const identities = trace.events.map(identityOf);
  const named = identities.filter((identity) => identity !== undefined);
  const chosen = named.find((identity) => namespace === "" || identity.namespace === namespace);
  if (chosen === undefined && named.length > 0) throw otherNamespace(trace.correlationId, namespace, named);
  const request = chosen ?? { name: trace.correlationId, namespace };
  const isOther = (identity: Identity | undefined) =>
    identity !== undefined && (identity.namespace !== request.namespace || identity.name !== request.name);
  const events = trace.events.filter((_, index) => !isOther(identities[index]));
  const left = trace.events.length - events.length;
  if (left === 0) return { ...request, events, warnings: [] };
  const others = [...new Set(named.filter(isOther).map((other) => `${other.namespace}/${other.name}`))];
  const message =
    `the events tell of ${request.namespace}/${request.name} and of ${others.slice(0, 5).join(", ")}: ` +
    `${left} events of the latter are left out`;
  const warning = { eventId: "", eventType: "", reason: "SEVERAL_NAMESPACES", message };
  return { ...request, events, warnings: [warning] };
}

function otherNamespace(name: string, namespace: string, named: readonly Identity[]): Fault {
  const told = [...new Set(named.map((identity) => identity.namespace))].slice(0, 5).join(", ");
  const message = `no event tells of a request in namespace ${namespace}; they tell of one in ${told}`;
  const resource = { type: "RemediationRequest", name: `${namespace}/${name}` };
  return new Fault("not_found", message, { reason: "REMEDIATION_NOT_FOUND", resource });
}

function identityOf(event: ParsedEvent): Identity | undefined {
  const { payload } = event;
  if (payload.of === "gateway") {
    const [namespace, name, ...rest] = (payload.value.remediationRequest ?? "").split("/");
    return namespace && name && rest.length === 0 ? { namespace, name } : undefined;
  }
  if (payload.of !== "orchestrator" && !event.type.startsWith("webhook.remediation")) return undefined;
  const [name, namespace] = [member(event, "rr_name")?.value, member(event, "namespace")?.value];
  if (typeof name !== "string" || typeof namespace !== "string") return undefined;
  return { name, namespace };
}

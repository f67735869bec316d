import { EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { EventFilter, ListEventsRequest } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { invalid, type Violation } from "../../fault.ts";
import type { JsonObject } from "../../integrity/canonical.ts";
import { payloadFromValue } from "../payload.ts";
import { isInRange, timestampText } from "../timestamp.ts";
import { type EventQuery, type ExactColumn, parseOrder } from "./query.ts";

const OUTCOMES: Readonly<Partial<Record<EventOutcome, string>>> = {
  [EventOutcome.SUCCESS]: "success",
  [EventOutcome.FAILURE]: "failure",
  [EventOutcome.PENDING]: "pending",
};

/**
 * The query of a request whose fields keep the rules of its proto.
 *
 * @throws Fault `invalid` for an unknown order, times out of range, strings that PostgreSQL cannot hold.
 */
export function toEventQuery(request: ListEventsRequest): EventQuery {
  const { filter } = request;
  const order = parseOrder(request.orderBy, filter?.correlationId || undefined);
  return { ...toFilterQuery(filter), order };
}

/**
 * The query of a filter for what has an order of its own.
 *
 * @throws Fault `invalid` for times out of range and strings that PostgreSQL cannot hold.
 */
export function toFilterQuery(filter: EventFilter | undefined): EventQuery {
  if (filter === undefined) return NO_FILTER;
  refuseFaults(filter);
  return {
    ...NO_FILTER,
    correlationId: filter.correlationId || undefined,
    eventTypes: filter.eventTypes.filter((type) => !type.endsWith("*")),
    eventTypePrefixes: filter.eventTypes.filter((type) => type.endsWith("*")).map((type) => type.slice(0, -1)),
    eventCategories: filter.eventCategories,
    eventOutcomes: filter.eventOutcomes.map((outcome) => OUTCOMES[outcome] ?? ""),
    severities: filter.severities,
    exact: exactValues(filter),
    startTime: filter.startTime && timestampText(filter.startTime),
    endTime: filter.endTime && timestampText(filter.endTime),
    contains: filter.eventData as JsonObject | undefined,
  };
}

const NO_FILTER: EventQuery = {
  eventTypes: [],
  eventTypePrefixes: [],
  eventCategories: [],
  eventOutcomes: [],
  severities: [],
  exact: {},
  order: "event_timestamp desc",
};

function exactValues(filter: EventFilter): Partial<Record<ExactColumn, string>> {
  const values: Record<ExactColumn, string> = {
    actor_type: filter.actorType,
    actor_id: filter.actorId,
    resource_type: filter.resourceType,
    resource_id: filter.resourceId,
    namespace: filter.namespace,
    cluster_name: filter.clusterName,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
}

function refuseFaults(filter: EventFilter): void {
  const violations: Violation[] = [];
  const fault = (field: string, description: string) => violations.push({ field: `filter.${field}`, description });
  const strings: [string, string][] = [
    ["correlation_id", filter.correlationId],
    ...Object.entries(exactValues(filter)),
    ...filter.eventCategories.map((text, index): [string, string] => [`event_categories[${index}]`, text]),
    ...filter.severities.map((text, index): [string, string] => [`severities[${index}]`, text]),
  ];
  for (const [field, text] of strings) {
    if (text.includes("\0") || !text.isWellFormed()) fault(field, "must not hold U+0000 or a lone surrogate");
  }
  if (filter.startTime && !isInRange(filter.startTime)) fault("start_time", "must lie in the years 1 to 9999");
  if (filter.endTime && !isInRange(filter.endTime)) fault("end_time", "must lie in the years 1 to 9999");
  if (filter.eventData !== undefined) {
    const payload = payloadFromValue(filter.eventData as JsonObject, "filter.event_data");
    if ("violations" in payload) violations.push(...payload.violations);
  }
  if (violations.length > 0) throw invalid(violations);
}

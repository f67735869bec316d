import type { EventRow } from "../audit/read/events_reader.ts";
import { instantText } from "../audit/timestamp.ts";
import { canonicalText, type Json } from "./canonical.ts";
import { contentDigest, type DigestedFields, eventHash } from "./event_digest.ts";

/** An event of a chain: what its hash covers, the hashes, and the salt. */
export interface LinkRow
  extends Omit<EventRow, "matches" | "budget_spent" | `legal_hold${"" | "_reason" | "_placed_by" | "_placed_at"}`> {
  /** Hex; null where there is none: then only the links can be checked, and not the content. */
  readonly salt: string | null;
}

/** What can be wrong with a link. */
export type LinkFaultKind = "gap" | "fork" | "previous_hash" | "event_hash" | "unreadable";

/** Where it is, and what shows it; never a payload. */
export interface LinkEvidence {
  readonly correlationId: string;
  readonly position: number;
  readonly eventId: string;
  readonly expected?: string;
  readonly found?: string;
}

export type LinkFault = readonly [kind: LinkFaultKind, evidence: LinkEvidence];

/**
 * What is wrong with an event, given the one before it in the order of chains (of any chain; undefined for the first of all).
 * Each hash is held against what the row itself says came before, so that one changed event is one fault and does not make
 * those after it look changed as well. `payload`: what event_data says, where the caller has read it already.
 */
export function linkFaults(row: LinkRow, before: LinkRow | undefined, payload?: Json): LinkFault[] {
  const position = Number(row.chain_position);
  const where = { correlationId: row.correlation_id, position, eventId: row.event_id };
  const previous = before?.correlation_id === row.correlation_id ? before : undefined;
  const last = previous === undefined ? 0 : Number(previous.chain_position);
  const faults: LinkFault[] = [];
  if (previous !== undefined && position === last) {
    faults.push(["fork", { ...where, found: `also event ${previous.event_id}` }]);
  } else if (position !== last + 1) {
    faults.push(["gap", { ...where, expected: `position ${last + 1}`, found: `position ${position}` }]);
  } else if ((previous?.event_hash ?? null) !== row.previous_event_hash) {
    const [expected, found] = [previous?.event_hash ?? "none", row.previous_event_hash ?? "none"];
    faults.push(["previous_hash", { ...where, expected, found }]);
  }
  const content = contentFault(row, payload);
  return content === undefined ? faults : [...faults, [content[0], { ...where, ...content[1] }]];
}

function contentFault(
  row: LinkRow,
  payload: Json | undefined,
): [LinkFaultKind, Pick<LinkEvidence, "expected" | "found">] | undefined {
  if (row.salt === null) return undefined;
  let expected: string;
  try {
    expected = eventHash(row.previous_event_hash ?? undefined, contentDigest(digestedFields(row, payload), row.salt));
  } catch (error) {
    return ["unreadable", { found: error instanceof Error ? error.name : "no event" }];
  }
  return expected === row.event_hash ? undefined : ["event_hash", { expected, found: row.event_hash }];
}

/** The fields that the digest covers, as they were when the event was recorded. */
function digestedFields(row: LinkRow, payload: Json = JSON.parse(row.event_data) as Json): DigestedFields {
  return {
    actor_id: row.actor_id,
    actor_type: row.actor_type,
    cluster_name: row.cluster_name ?? undefined,
    correlation_id: row.correlation_id,
    duration_ms: row.duration_ms === null ? undefined : Number(row.duration_ms),
    error_code: row.error_code ?? undefined,
    error_message: row.error_message ?? undefined,
    event_action: row.event_action,
    event_category: row.event_category,
    // jsonb keeps neither the order of keys nor the way a number was written.
    event_data: canonicalText(payload),
    event_date: row.event_date,
    event_id: row.event_id,
    event_outcome: row.event_outcome,
    event_timestamp: instantText(row.event_timestamp),
    event_type: row.event_type,
    event_version: row.event_version,
    is_sensitive: row.is_sensitive,
    namespace: row.namespace ?? undefined,
    parent_event_date: row.parent_event_date ?? undefined,
    parent_event_id: row.parent_event_id ?? undefined,
    recorded_by: row.recorded_by,
    recorded_time: instantText(row.recorded_time),
    resource_id: row.resource_id,
    resource_type: row.resource_type,
    retention_days: row.retention_days,
    severity: row.severity ?? undefined,
  };
}

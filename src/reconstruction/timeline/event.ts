import type { Json } from "../../integrity/canonical.ts";
import type { TraceRow } from "../trace.ts";

/** What a timeline needs of an event. A `ParsedEvent` is one that tells neither its duration nor its error. */
export interface TimelineEvent {
  readonly eventId: string;
  readonly type: string;
  /** RFC 3339 in UTC with six digits of the second. */
  readonly timestamp: string;
  /** Place in the chain, from 1: the order of arrival. */
  readonly position: number | bigint;
  /** success, failure or pending. */
  readonly outcome: string;
  readonly actorType: string;
  readonly actorId: string;
  /** Empty where the event does not tell. */
  readonly clusterName?: string;
  readonly durationMs?: number | undefined;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  /** The payload as it is stored; whatever its shape, it is no error here. */
  readonly data: Json;
}

/**
 * A stored event as a timeline needs it. A timeline takes events as they are stored: one whose payload is of another shape than
 * its emitter's contract still happened, when it did.
 */
export function toTimelineEvent(row: TraceRow): TimelineEvent {
  return {
    eventId: row.event_id,
    type: row.event_type,
    timestamp: row.event_timestamp,
    position: BigInt(row.chain_position),
    outcome: row.event_outcome,
    actorType: row.actor_type,
    actorId: row.actor_id,
    clusterName: row.cluster_name ?? "",
    ...(row.duration_ms !== null && { durationMs: Number(row.duration_ms) }),
    errorCode: row.error_code ?? "",
    errorMessage: row.error_message ?? "",
    data: JSON.parse(row.event_data) as Json,
  };
}

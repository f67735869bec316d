import type {
  AIAnalysisAuditPayload,
  GatewayAuditPayload,
  RemediationOrchestratorAuditPayload,
  WorkflowExecutionAuditPayload,
} from "../../gen/ts/kubernaut/audit/v1/payloads_pb.ts";
import type { Json, JsonObject } from "../integrity/canonical.ts";
import type { LinkRow } from "../integrity/chain_link.ts";
import type { FieldMap } from "./facts/field_map.ts";

/** An event of a trace as it is stored, with all that its hash covers and its salt. */
export interface TraceRow extends LinkRow {
  /** Place of the last event by the head of the chain; null: the chain has no head; absent: the head is not known. */
  readonly head_position?: string | null;
  /** Hash of that event. */
  readonly head_hash?: string | null;
}

/** A moment of the past: a time (RFC 3339 with six digits) or a place in the chain. */
export type AsOf = { readonly time: string } | { readonly position: number };

/** The payload of an event as the message of its emitter; `other` where the contract has none for it. */
export type EventPayload =
  | { readonly of: "gateway"; readonly value: GatewayAuditPayload }
  | { readonly of: "orchestrator"; readonly value: RemediationOrchestratorAuditPayload }
  | { readonly of: "aianalysis"; readonly value: AIAnalysisAuditPayload }
  | { readonly of: "workflowexecution"; readonly value: WorkflowExecutionAuditPayload }
  | { readonly of: "other" };

/** An event of a trace, read. */
export interface ParsedEvent {
  readonly eventId: string;
  readonly type: string;
  /** When it happened: RFC 3339 in UTC with six digits of a second, so that texts sort as times do. */
  readonly timestamp: string;
  /** Place in the chain: the order of arrival. */
  readonly position: number;
  /** `success`, `failure` or `pending`. */
  readonly outcome: string;
  readonly actorType: string;
  readonly actorId: string;
  /** Of the envelope; absent where it has none. */
  readonly namespace?: string;
  readonly clusterName?: string;
  /** What it says, typed. A member of another type than the contract's is left out, with a warning. */
  readonly payload: EventPayload;
  /** What it says, as it is stored: also what the contract does not name. */
  readonly data: JsonObject;
}

/** Something odd about a trace. */
export interface TraceWarning {
  /** Empty where it is about several events. */
  readonly eventId: string;
  readonly eventType: string;
  /** UPPER_SNAKE, such as `EVENT_NOT_PARSEABLE`. */
  readonly reason: string;
  readonly message: string;
}

/** What the stage `parse` gives: events by (timestamp, position). */
export interface ParsedTrace {
  readonly correlationId: string;
  /** Rows up to the moment asked for. */
  readonly rows: number;
  /** Place of the last of them in the chain; 0 without any. */
  readonly lastPosition: number;
  readonly events: readonly ParsedEvent[];
  /** What each row's event_data says, as it is stored. */
  readonly payloads: ReadonlyMap<TraceRow, Json>;
  readonly warnings: readonly TraceWarning[];
}

/** What the stage `map` gives. */
export interface MappedObject {
  readonly name: string;
  /** Empty where neither an event nor the caller tells one. */
  readonly namespace: string;
  readonly fields: FieldMap;
  readonly warnings: readonly TraceWarning[];
}

/** A field that an object should have and has not. */
export interface MissingField {
  readonly path: string;
  /** Types of the events that would have carried it. */
  readonly eventTypes: readonly string[];
  /** Whether the object is not valid without it. */
  readonly required: boolean;
}

/** What the stage `validate` gives. */
export interface Validation {
  /** Share of what an object in this phase should have, 0 to 1. */
  readonly completeness: number;
  readonly missing: readonly MissingField[];
  readonly warnings: readonly TraceWarning[];
}

/** Whether the chain of the rows holds. */
export interface ChainCheck {
  readonly verified: boolean;
  /** Events whose hash was recomputed. */
  readonly checked: number;
  /** The first place at which something is wrong; `eventId` is empty where the event of that place is missing. */
  readonly firstBad?: { readonly position: number; readonly eventId: string; readonly problem: string };
}

/** A field and the event it came from. */
export interface FieldSource {
  /** Such as `spec.signalLabels["severity"]`. */
  readonly path: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly position: number;
  /** Where in the event, such as `event_data.signal_name` or `event_timestamp`. */
  readonly source: string;
}

/** A resource rebuilt, and what is known of how. */
export interface Reconstructed {
  readonly object: JsonObject;
  readonly yaml: string;
  readonly json: string;
  readonly completeness: number;
  readonly missing: readonly MissingField[];
  readonly warnings: readonly TraceWarning[];
  /** By path. */
  readonly provenance: readonly FieldSource[];
  readonly chain: ChainCheck;
  readonly eventsRead: number;
  readonly eventsUsed: number;
}

import { hash } from "node:crypto";

/** What one kind of event looks like; the category is the one that the service derives. */
export interface Kind {
  readonly type: string;
  readonly category: string;
}

export const NOTIFICATION: Kind = { type: "notification.message.sent", category: "notification" };
export const KINDS: readonly Kind[] = [
  { type: "gateway.signal.received", category: "gateway" },
  { type: "aianalysis.analysis.completed", category: "analysis" },
  { type: "orchestrator.phase.transitioned", category: "orchestration" },
  { type: "workflowexecution.workflow.started", category: "workflowexecution" },
];

/** An event of a client: what it sends, and what must stand in audit_events. */
export interface MadeEvent {
  readonly id: string;
  readonly kind: Kind;
  readonly correlationId: string;
  /** Microseconds since 1970. */
  readonly micros: number;
  readonly severity: string;
  readonly durationMs: number | undefined;
  readonly errorMessage: string;
  /** Members of the payload but for its digest, as PostgreSQL writes jsonb, without the braces. */
  readonly members: string;
}

/** Name of the payload's member that holds contentDigest; the longest, so that jsonb has it last. */
const DIGEST_MEMBER = "content_digest";

/** JSON text of the payload, with the digest that says whether what is stored is what was sent. */
export function payloadText(event: MadeEvent): string {
  return `{${event.members}, "${DIGEST_MEMBER}": "${contentDigest(event)}"}`;
}

/** MD5 over everything that the client chose. */
function contentDigest(event: MadeEvent): string {
  const content = [
    event.id,
    event.correlationId,
    event.kind.type,
    event.kind.category,
    event.micros,
    event.severity,
    event.durationMs ?? "",
    event.errorMessage,
    `{${event.members}}`,
  ];
  return hash("md5", content.join("\n"));
}

/** SQL for the same on a row of audit_events: whether its content is what its digest was made of. NULL without a digest. */
export const INTACT_SQL = `event_data ->> '${DIGEST_MEMBER}' = md5(concat_ws(E'\\n', event_id, correlation_id, event_type,
  event_category, (extract(epoch FROM event_timestamp) * 1000000)::bigint, coalesce(severity, ''),
  coalesce(duration_ms::text, ''), coalesce(error_message, ''), event_data - '${DIGEST_MEMBER}'))`;

/** The same event as its emitter would never send it: with the id of another and a content of its own. */
export function twinOf(event: MadeEvent): MadeEvent {
  return { ...event, severity: "low", members: `"bis": true, ${event.members}` };
}

/** SQL for whether a row is such a twin. */
export const TWIN_SQL = "event_data ? 'bis'";

import { hash } from "node:crypto";

/**
 * The fields of an event that its chain covers, under the names of their columns, as they are stored. The legal-hold
 * columns are not among them, nor chain_position (the chain itself fixes it). Times are RFC 3339 text in UTC with six digits
 * of a second: never through a Date.
 */
export interface DigestedFields {
  readonly actor_id: string;
  readonly actor_type: string;
  readonly cluster_name?: string | undefined;
  readonly correlation_id: string;
  readonly duration_ms?: number | undefined;
  readonly error_code?: string | undefined;
  readonly error_message?: string | undefined;
  readonly event_action: string;
  readonly event_category: string;
  /** Canonical text of the payload. */
  readonly event_data: string;
  readonly event_date: string;
  readonly event_id: string;
  readonly event_outcome: string;
  readonly event_timestamp: string;
  readonly event_type: string;
  readonly event_version: string;
  readonly is_sensitive: boolean;
  readonly namespace?: string | undefined;
  readonly parent_event_date?: string | undefined;
  readonly parent_event_id?: string | undefined;
  readonly recorded_by: string;
  readonly recorded_time: string;
  readonly resource_id: string;
  readonly resource_type: string;
  readonly retention_days: number;
  readonly severity?: string | undefined;
}

/** Names the form that contentDigest hashes; another list of fields or another rule gets another name. */
export const EVENT_FORM = "kubernaut.audit.event/v1";

/**
 * SHA-256, in hex, of the RFC 8785 form of an event's digested fields (docs/integrity.md). The payload and the error
 * message stand in it as salted digests, so that they and the salt can be erased while the hash still holds.
 *
 * @param salt 32 lower-case hex digits.
 */
export function contentDigest(fields: DigestedFields, salt: string): string {
  const eventData = saltedDigest(salt, "event_data", fields.event_data);
  const errorMessage = fields.error_message && saltedDigest(salt, "error_message", fields.error_message);
  return sha256(contentText(fields, eventData, errorMessage));
}

/** The text that contentDigest hashes. Public for the worked example and the test vectors. */
export function contentText(fields: DigestedFields, eventDataDigest: string, errorMessageDigest?: string): string {
  // The members stand as RFC 8785 sorts them, and strings, integers and booleans are written by it exactly as ECMAScript
  // writes them. `form` and the two digests stand for no column.
  return JSON.stringify({
    actor_id: fields.actor_id,
    actor_type: fields.actor_type,
    cluster_name: fields.cluster_name,
    correlation_id: fields.correlation_id,
    duration_ms: fields.duration_ms,
    error_code: fields.error_code,
    error_message_digest: errorMessageDigest,
    event_action: fields.event_action,
    event_category: fields.event_category,
    event_data_digest: eventDataDigest,
    event_date: fields.event_date,
    event_id: fields.event_id,
    event_outcome: fields.event_outcome,
    event_timestamp: fields.event_timestamp,
    event_type: fields.event_type,
    event_version: fields.event_version,
    form: EVENT_FORM,
    is_sensitive: fields.is_sensitive,
    namespace: fields.namespace,
    parent_event_date: fields.parent_event_date,
    parent_event_id: fields.parent_event_id,
    recorded_by: fields.recorded_by,
    recorded_time: fields.recorded_time,
    resource_id: fields.resource_id,
    resource_type: fields.resource_type,
    retention_days: fields.retention_days,
    severity: fields.severity,
  });
}

/**
 * SHA-256, in hex, of `salt`, `label`, a line feed and `text`, in UTF-8. The label keeps the digests of one salt apart.
 *
 * @param salt 32 lower-case hex digits; hashed as that text.
 */
export function saltedDigest(salt: string, label: "event_data" | "error_message" | "submission", text: string): string {
  return sha256(`${salt}${label}\n${text}`);
}

/**
 * Hash of an event in its chain: SHA-256 over the 32 bytes of the previous hash and the 32 bytes of the content digest; the
 * first event of a chain has no previous one, and only its content digest is hashed. In and out in hex.
 */
export function eventHash(previousHash: string | undefined, digest: string): string {
  if (previousHash === undefined) return hash("sha256", Buffer.from(digest, "hex"), "hex");
  link.write(previousHash, 0, 32, "hex");
  link.write(digest, 32, 32, "hex");
  return hash("sha256", link, "hex");
}

const link = Buffer.alloc(64);

/** SHA-256 of a text in UTF-8, in hex. */
export function sha256(text: string): string {
  return hash("sha256", text, "hex");
}

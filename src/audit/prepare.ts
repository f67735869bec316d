import { contentDigest, sha256 } from "../integrity/event_digest.ts";
import { completeFields, deriveFields, type Submission, submissionText } from "./event.ts";

/** Separates the fields and the records of an append's text, and marks a field that held one of the three. */
export const FIELD_SEPARATOR = "\x1f";
export const RECORD_SEPARATOR = "\x1e";
const ESCAPE = "\x1d";

/** An event that keeps every rule, ready to be given its place in a chain. */
export interface PreparedEvent {
  readonly eventId: string;
  readonly eventDate: string;
  readonly correlationId: string;
  readonly category: string;
  /** event_timestamp in milliseconds since 1970, for measuring. */
  readonly occurredAtMs: number;
  /** 32 hex digits. */
  readonly salt: string;
  readonly contentDigest: string;
  /** SHA-256 of the submission's text; stored salted. */
  readonly submissionDigest: string;
  /** The columns that do not depend on the chain, in the order of append_audit_events, separated by U+001F. */
  readonly row: string;
  /** Whether `row` has escaped separators in it. */
  readonly escaped: boolean;
  /** Bytes that it counts for in the writer's bounds: what it holds in memory, roughly. */
  readonly bytes: number;
}

/** What a rule may not take from the air: the time, the caller and randomness. */
export interface PrepareContext {
  /** RFC 3339, UTC, six digits of a second. */
  readonly recordedTime: string;
  readonly recordedBy: string;
  /** A new UUID, version 7. */
  readonly newId: () => string;
  /** 32 random hex digits. */
  readonly newSalt: () => string;
}

/** Memory beside the row: digests, ids and the objects themselves. */
const OVERHEAD_BYTES = 512;

/** The columns of a row, in its order. */
export const ROW_COLUMNS = [
  "event_id",
  "event_version",
  "event_timestamp",
  "event_date",
  "event_type",
  "event_category",
  "event_action",
  "event_outcome",
  "actor_type",
  "actor_id",
  "resource_type",
  "resource_id",
  "correlation_id",
  "parent_event_id",
  "parent_event_date",
  "namespace",
  "cluster_name",
  "event_data",
  "severity",
  "duration_ms",
  "error_code",
  "error_message",
  "retention_days",
  "is_sensitive",
  "recorded_time",
  "recorded_by",
] as const;

export type RowColumn = (typeof ROW_COLUMNS)[number];

/** Completes a submission, digests it and writes its row. */
export function prepareEvent(submission: Submission, context: PrepareContext): PreparedEvent {
  const derived = deriveFields(submission.event_type, submission.correlation_id);
  const fields = completeFields(submission, derived, {
    event_id: submission.event_id ?? context.newId(),
    recorded_time: context.recordedTime,
    recorded_by: context.recordedBy,
  });
  const salt = context.newSalt();
  const { row, escaped } = joinRow(ROW_COLUMNS.map((column) => fields[column]));
  return {
    eventId: fields.event_id,
    eventDate: fields.event_date,
    correlationId: fields.correlation_id,
    category: fields.event_category,
    occurredAtMs: Date.parse(fields.event_timestamp),
    salt,
    contentDigest: contentDigest(fields, salt),
    submissionDigest: sha256(submissionText(submission, derived)),
    row,
    escaped,
    bytes: row.length + OVERHEAD_BYTES,
  };
}

/** The values of an event's row, in the order of ROW_COLUMNS; empty where there is none. */
export function splitRow({ row, escaped }: Pick<PreparedEvent, "row" | "escaped">): string[] {
  const values = row.split(FIELD_SEPARATOR);
  return escaped ? values.map(unescapeField) : values;
}

/** The event whose row had these values: what prepareEvent made, again. */
export function restoreEvent(
  values: Readonly<Record<RowColumn, string>>,
  { salt, contentDigest, submissionDigest }: Pick<PreparedEvent, "salt" | "contentDigest" | "submissionDigest">,
): PreparedEvent {
  const { row, escaped } = joinRow(ROW_COLUMNS.map((column) => values[column]));
  return {
    eventId: values.event_id,
    eventDate: values.event_date,
    correlationId: values.correlation_id,
    category: values.event_category,
    occurredAtMs: Date.parse(values.event_timestamp),
    salt,
    contentDigest,
    submissionDigest,
    row,
    escaped,
    bytes: row.length + OVERHEAD_BYTES,
  };
}

function joinRow(values: readonly (string | number | boolean | undefined)[]): { row: string; escaped: boolean } {
  const plain = values.join(FIELD_SEPARATOR);
  const escaped = hasSeparator(plain, values.length);
  return { row: escaped ? values.map(escapeField).join(FIELD_SEPARATOR) : plain, escaped };
}

function hasSeparator(row: string, columns: number): boolean {
  if (row.includes(RECORD_SEPARATOR) || row.includes(ESCAPE)) return true;
  let separators = 0;
  for (let at = row.indexOf(FIELD_SEPARATOR); at >= 0; at = row.indexOf(FIELD_SEPARATOR, at + 1)) separators++;
  return separators >= columns;
}

/** The escape that split_escaped_audit_record undoes. */
export function escapeField(value: string | number | boolean | undefined): string {
  if (value === undefined) return "";
  return String(value)
    .replaceAll(ESCAPE, `${ESCAPE}0`)
    .replaceAll(RECORD_SEPARATOR, `${ESCAPE}1`)
    .replaceAll(FIELD_SEPARATOR, `${ESCAPE}2`);
}

function unescapeField(value: string): string {
  return value
    .replaceAll(`${ESCAPE}1`, RECORD_SEPARATOR)
    .replaceAll(`${ESCAPE}2`, FIELD_SEPARATOR)
    .replaceAll(`${ESCAPE}0`, ESCAPE);
}

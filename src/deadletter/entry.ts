import { type PreparedEvent, ROW_COLUMNS, type RowColumn, restoreEvent, splitRow } from "../audit/prepare.ts";
import { sha256 } from "../integrity/event_digest.ts";
import type { StreamName } from "./keys.ts";

/** What an entry of the queue says it is; another form gets another version. */
export const ENTRY_TYPE = "audit_event";
export const ENTRY_VERSION = "1";

/** Bounds of one entry, so that whoever reads it need not hold more. */
const ENTRY_EVENTS = 500;
const ENTRY_BYTES = 4 * 1024 * 1024;

const NOTIFICATION = "notification";

/** An entry that is no list of events in a form that is known here. */
export class EntryUnreadable extends Error {
  override readonly name = "EntryUnreadable";
}

/** An event as it stands in an entry's payload: its columns as text, and the digests that its preparation made. */
interface EntryEvent {
  readonly fields: Readonly<Record<string, string | null>>;
  readonly salt: string;
  readonly content_digest: string;
  readonly submission_digest: string;
}

/**
 * The fields of a stream entry that holds these events.
 *
 * @param timestamp when it is queued, RFC 3339.
 * @param lastError why the database could not take them: no host names, no SQL.
 */
export function encodeEntry(
  events: readonly PreparedEvent[],
  timestamp: string,
  lastError: string,
): Record<string, string> {
  const payload = JSON.stringify(events.map(toEntryEvent));
  return {
    type: ENTRY_TYPE,
    version: ENTRY_VERSION,
    payload,
    timestamp,
    retry_count: "0",
    last_error: lastError,
    digest: digestOf(payload),
  };
}

/**
 * The events of an entry, as they were when it was written.
 *
 * @throws EntryUnreadable
 */
export function decodeEntry(entry: Readonly<Record<string, string>>): PreparedEvent[] {
  const { type, version, payload, digest } = entry;
  if (type !== ENTRY_TYPE) throw new EntryUnreadable(`its type is ${quote(type)} and not ${ENTRY_TYPE}`);
  if (version !== ENTRY_VERSION) throw new EntryUnreadable(`its version is ${quote(version)} and not ${ENTRY_VERSION}`);
  if (payload === undefined) throw new EntryUnreadable("it has no payload");
  if (digest !== digestOf(payload)) throw new EntryUnreadable("its payload does not match its digest");
  const events = parse(payload);
  if (!Array.isArray(events) || events.length === 0) throw new EntryUnreadable("its payload is no list of events");
  return events.map(fromEntryEvent);
}

/** Events that go into one entry. */
export interface EntryDraft {
  readonly stream: StreamName;
  readonly events: PreparedEvent[];
}

/**
 * Shares events among entries, which are queued in the order of the list: of each correlation every event stands in the
 * entry of the one before it or in a later one. Notifications have a stream of their own.
 */
export function queueOrder(events: readonly PreparedEvent[]): EntryDraft[] {
  const drafts: (EntryDraft & { bytes: number })[] = [];
  const latest: Partial<Record<StreamName, number>> = {};
  const placeOf = new Map<string, number>();
  for (const event of events) {
    const stream = event.category === NOTIFICATION ? "notifications" : "events";
    const place = latest[stream] ?? -1;
    const draft = drafts[place];
    const fits =
      draft !== undefined &&
      place >= (placeOf.get(event.correlationId) ?? 0) &&
      draft.events.length < ENTRY_EVENTS &&
      draft.bytes + event.bytes <= ENTRY_BYTES;
    if (fits) {
      draft.events.push(event);
      draft.bytes += event.bytes;
    } else {
      latest[stream] = drafts.push({ stream, events: [event], bytes: event.bytes }) - 1;
    }
    placeOf.set(event.correlationId, latest[stream] as number);
  }
  return drafts.map(({ stream, events }) => ({ stream, events }));
}

/** Bytes that an entry counts for in the bounds of the queue: its fields, names and values. */
export function bytesOf(fields: Readonly<Record<string, string>>): number {
  return Object.entries(fields).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
}

function toEntryEvent(event: PreparedEvent): EntryEvent {
  const values = splitRow(event);
  const fields: Record<string, string | null> = {};
  for (const [index, column] of ROW_COLUMNS.entries()) fields[column] = values[index] || null;
  return {
    fields,
    salt: event.salt,
    content_digest: event.contentDigest,
    submission_digest: event.submissionDigest,
  };
}

function fromEntryEvent(event: unknown, index: number): PreparedEvent {
  const unreadable = (what: string) => new EntryUnreadable(`event ${index + 1} of its payload ${what}`);
  if (!isRecord(event) || !isRecord(event["fields"])) throw unreadable("has no fields");
  const { fields, salt, content_digest: contentDigest, submission_digest: submissionDigest } = event;
  if (!isHex(salt, 32) || !isHex(contentDigest, 64) || !isHex(submissionDigest, 64)) {
    throw unreadable("has no salt, content_digest or submission_digest");
  }
  const values: Partial<Record<RowColumn, string>> = {};
  for (const column of ROW_COLUMNS) {
    const value = (fields as Record<string, unknown>)[column] ?? "";
    if (typeof value !== "string") throw unreadable(`has a field ${column} that is no text`);
    values[column] = value;
  }
  if (!values.event_id || !values.correlation_id) throw unreadable("has no event_id or no correlation_id");
  return restoreEvent(values as Record<RowColumn, string>, { salt, contentDigest, submissionDigest });
}

function digestOf(payload: string): string {
  return `sha256:${sha256(payload)}`;
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    throw new EntryUnreadable("its payload is no JSON");
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isHex(value: unknown, digits: number): value is string {
  return typeof value === "string" && value.length === digits && /^[0-9a-f]+$/.test(value);
}

function quote(value: string | undefined): string {
  return value === undefined ? "absent" : JSON.stringify(value.slice(0, 40));
}

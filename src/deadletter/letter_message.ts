import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  type DeadLetter,
  type DeadLetterFilter,
  DeadLetterReason,
  DeadLetterSchema,
  QueueStream,
} from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { type PreparedEvent, ROW_COLUMNS, splitRow } from "../audit/prepare.ts";
import type { EventRow } from "../audit/read/events_reader.ts";
import { toAuditEvent } from "../audit/stored_event.ts";
import { parseTimestamp } from "../audit/timestamp.ts";
import type { StreamName } from "./keys.ts";
import type { LetterReason, ReadLetter } from "./letter.ts";
import { letterId } from "./letter_id.ts";
import { type LettersQuery, lettersQuery } from "./letters_query.ts";
import type { StoredLetter } from "./letters_store.ts";

export const STREAM_VALUES: Readonly<Record<StreamName, QueueStream>> = {
  events: QueueStream.EVENTS,
  notifications: QueueStream.NOTIFICATIONS,
};

const REASON_VALUES: Readonly<Record<LetterReason, DeadLetterReason>> = {
  refused: DeadLetterReason.REFUSED,
  conflict: DeadLetterReason.CONFLICT,
  undecodable: DeadLetterReason.UNDECODABLE,
};

/** The query of a filter that keeps the rules of its proto. */
export function toLettersQuery(filter: DeadLetterFilter | undefined): LettersQuery {
  return lettersQuery({
    streams: keysOf(STREAM_VALUES).filter((name) => filter?.streams.includes(STREAM_VALUES[name])),
    reason: keysOf(REASON_VALUES).find((name) => REASON_VALUES[name] === filter?.reason),
    correlationId: filter?.correlationId,
  });
}

function keysOf<Key extends string>(values: Readonly<Record<Key, number>>): Key[] {
  return Object.keys(values) as Key[];
}

/** Characters of an error, and of an entry that cannot be decoded, that are told. */
const DESCRIPTION_CHARACTERS = 2000;
const RAW_CHARACTERS = 16_384;

export function toDeadLetter(stored: StoredLetter, letter: ReadLetter, form: PayloadForm): DeadLetter {
  return create(DeadLetterSchema, {
    id: letterId(stored),
    stream: STREAM_VALUES[stored.stream],
    reason: REASON_VALUES[letter.reason],
    description: firstCharacters(letter.lastError, DESCRIPTION_CHARACTERS),
    tries: letter.tries,
    ...timeField("queuedTime", letter.queued),
    ...timeField("firstFailedTime", letter.firstFailed),
    ...timeField("deadLetteredTime", letter.deadLettered),
    eventId: letter.eventId,
    correlationId: letter.correlationId,
    content:
      letter.event === undefined
        ? { case: "raw", value: rawEntry(stored.fields) }
        : { case: "event", value: toAuditEvent(rowOf(letter.event), form) },
  });
}

/** What stands in the entry, beside what the letter says of it; all of it where it has no payload. */
function rawEntry(fields: Readonly<Record<string, string>>) {
  const text = fields["payload"] ?? JSON.stringify(fields);
  return { text: firstCharacters(text, RAW_CHARACTERS), bytes: BigInt(Buffer.byteLength(text)) };
}

function firstCharacters(text: string, characters: number): string {
  return text.slice(0, characters).toWellFormed();
}

/** The event as a row that has no place in a chain yet. */
function rowOf(event: PreparedEvent): EventRow {
  const values = splitRow(event);
  const columns = Object.fromEntries(ROW_COLUMNS.map((column, index) => [column, values[index] || null]));
  return {
    ...(columns as unknown as EventRow),
    retention_days: Number(columns["retention_days"]),
    is_sensitive: columns["is_sensitive"] === "true",
    event_hash: "",
    previous_event_hash: null,
    legal_hold: false,
    legal_hold_reason: null,
    legal_hold_placed_by: null,
    legal_hold_placed_at: null,
    chain_position: "0",
  };
}

/** A time, where the letter has one that can be read. */
function timeField<Name extends string>(name: Name, text: string): Partial<Record<Name, Timestamp>> {
  const time = timeOf(text);
  return time === undefined ? {} : ({ [name]: time } as Record<Name, Timestamp>);
}

export function timeOf(text: string | undefined): Timestamp | undefined {
  try {
    return text === undefined ? undefined : create(TimestampSchema, parseTimestamp(text));
  } catch {
    return undefined;
  }
}

/** Bytes that a letter takes in a reply, as protobuf or as ProtoJSON. */
export function letterBytes(letter: DeadLetter): number {
  const json = Buffer.byteLength(JSON.stringify(toJson(DeadLetterSchema, letter)));
  return Math.max(json, toBinary(DeadLetterSchema, letter).byteLength);
}

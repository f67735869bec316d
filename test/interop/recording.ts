import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fromJson, type JsonObject, toJson } from "@bufbuild/protobuf";
import { type AuditEvent, AuditEventSchema } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";

/** An event as recordings hold it: a JSON object with the envelope's names, `success` for the outcome. */
export interface RecordedEvent extends JsonObject {
  readonly event_id: string;
  readonly event_outcome: string;
  readonly correlation_id: string;
  readonly event_data: JsonObject;
}

/** Events in the order in which they were emitted. */
export interface Recording {
  readonly name: string;
  readonly events: readonly RecordedEvent[];
  /** Where it was read from; absent where it was made up. */
  readonly file?: string;
}

/** Reads JSON lines; events that do not tell how they ended are given `success`. */
export function readRecording(file: string): Recording {
  const events = linesOf(file).map((line): RecordedEvent => ({ event_outcome: "success", ...JSON.parse(line) }));
  return { name: basename(file), events, file };
}

/** The recording as JSON lines, just as they stand in its file. */
export function recordedLines({ events, file }: Recording): string[] {
  return file === undefined ? events.map((event) => JSON.stringify(event)) : linesOf(file);
}

function linesOf(file: string): string[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
}

/** What DATASTORAGE_TEST_DATA holds of recorded remediations; undefined where it is not set. */
export function recordedTraces(): readonly Recording[] | undefined {
  const folder = process.env["DATASTORAGE_TEST_DATA"];
  if (!folder) return undefined;
  const files = readdirSync(join(folder, "traces")).filter((name) => name.endsWith(".jsonl"));
  assert.ok(files.length > 0, `${folder}/traces holds no recordings`);
  return files.sort().map((name) => readRecording(join(folder, "traces", name)));
}

/** The event in the JSON form that protobuf defines for it, which every language's library reads. */
export function toProtobufJson(event: RecordedEvent): JsonObject {
  return { ...event, event_outcome: `EVENT_OUTCOME_${event.event_outcome.toUpperCase()}` };
}

/** The event as a message, its payload as a Struct or as the bytes of its JSON. */
export function toMessage(event: RecordedEvent, form: "struct" | "json"): AuditEvent {
  const message = fromJson(AuditEventSchema, toProtobufJson(event));
  if (form === "json") {
    message.payload = { case: "eventDataJson", value: new TextEncoder().encode(JSON.stringify(event.event_data)) };
  }
  return message;
}

/** The events of each remediation, in order. */
export function byCorrelation(events: readonly RecordedEvent[]): Map<string, readonly RecordedEvent[]> {
  return Map.groupBy(events, (event) => event.correlation_id);
}

/**
 * Asserts that the events which were read, in protobuf's JSON form, are those that were sent: all of them, in order, each
 * with every field and the whole payload, and each remediation's from chain position 1 on.
 */
export function assertWhole(read: readonly JsonObject[], sent: readonly RecordedEvent[]): void {
  const positions = new Map<string, number>();
  assert.deepEqual(
    read.map((event) => event["chain_position"]),
    sent.map(({ correlation_id }) => {
      const position = (positions.get(correlation_id) ?? 0) + 1;
      positions.set(correlation_id, position);
      return String(position);
    }),
  );
  for (const [index, event] of sent.entries()) {
    const expected = { ...protobufJsonOf(toMessage(event, "struct")), event_data: event.event_data };
    const found = protobufJsonOf(fromJson(AuditEventSchema, read[index] ?? {}));
    const compared = Object.fromEntries(Object.keys(expected).map((key) => [key, found[key]]));
    assert.deepEqual({ ...compared, event_data: payloadOf(read[index] ?? {}) }, expected);
  }
}

/** The message in protobuf's JSON form, under the names of the contract. */
export function protobufJsonOf(event: AuditEvent): JsonObject {
  return toJson(AuditEventSchema, event, { useProtoFieldName: true }) as JsonObject;
}

function payloadOf(event: JsonObject): unknown {
  const bytes = event["event_data_json"];
  return typeof bytes === "string" ? JSON.parse(Buffer.from(bytes, "base64").toString()) : event["event_data"];
}

/** Cuts a list into pieces of at most `size`. */
export function batchesOf<T>(list: readonly T[], size: number): T[][] {
  const count = Math.ceil(list.length / size);
  return Array.from({ length: count }, (_, index) => list.slice(index * size, (index + 1) * size));
}

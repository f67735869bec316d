import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { run } from "./command.ts";
import { assertWhole, batchesOf, byCorrelation, type Recording, toProtobufJson } from "./recording.ts";

/** Events a batch, in the programmes of test/interop/go and test/interop/python. */
const BATCH = 7;

interface Violation {
  readonly field: string;
  readonly description: string;
}

/** What a programme in another language saw of the service: it prints this as JSON. */
interface Report {
  /** Outcomes of the first half of the events by RecordEvents, payloads as Struct, compressed. */
  readonly recorded: readonly string[];
  /** Answers to all events by IngestEvents, payloads as JSON. */
  readonly streamed: readonly { batch_number: number; status: number; recorded: number; duplicates: number }[];
  /** All events by ListEvents, in protobuf's JSON form as the language's own library writes it. */
  readonly listed: readonly JsonObject[];
  /** Violations in the result of an event without correlation id and time and of the type `NOT OK`. */
  readonly rejected: readonly Violation[];
  /** The details of the error that an empty batch gets. */
  readonly refused: { readonly code: string; readonly reason: string; readonly violations: readonly Violation[] };
}

/** Runs a programme on a recording and asserts that it saw what the contract promises. */
export async function assertSpeaks(
  program: readonly [string, ...string[]],
  address: string,
  recording: Recording,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "datastorage-interop-"));
  try {
    const file = join(folder, "events.jsonl");
    const lines = recording.events.map((event) => JSON.stringify(toProtobufJson(event)));
    await writeFile(file, `${lines.join("\n")}\n`);
    const [command, ...args] = program;
    assertReport(JSON.parse(await run(command, [...args, address, file], { env })), recording);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function assertReport(report: Report, { events }: Recording): void {
  const half = Math.floor(events.length / 2);
  assert.deepEqual(
    report.recorded,
    events.slice(0, half).map(() => "RECORD_OUTCOME_RECORDED"),
  );
  const places = batchesOf([...events.keys()], BATCH);
  assert.deepEqual(
    report.streamed,
    places.map((batch, index) => {
      const duplicates = batch.filter((place) => place < half).length;
      return { batch_number: index + 1, status: 0, recorded: batch.length - duplicates, duplicates };
    }),
  );
  assertWhole(report.listed, [...byCorrelation(events).values()].flat());
  assert.deepEqual(
    report.rejected.map(({ field }) => field),
    ["events[0].event_timestamp", "events[0].event_type", "events[0].correlation_id"],
  );
  const { code, ...details } = report.refused;
  assert.match(code, /^(INVALID_ARGUMENT|InvalidArgument)$/);
  const description = "must contain at least 1 item(s)";
  assert.deepEqual(details, { reason: "INVALID_ARGUMENT", violations: [{ field: "events", description }] });
}

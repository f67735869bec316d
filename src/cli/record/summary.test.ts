import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { IngestEventsResponseSchema, RecordOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Batch } from "./batches.ts";
import { summaryText } from "./summary.ts";
import { Tally } from "./tally.ts";

const batch: Batch = {
  number: 1n,
  events: [],
  origins: [1, 2, 3, 5].map((line) => ({ file: "a.jsonl", line })),
  bytes: 0,
};

const answer = create(IngestEventsResponseSchema, {
  batchNumber: 1n,
  recorded: 1,
  duplicates: 1,
  conflicts: 1,
  rejected: 1,
  results: [
    { index: 1, outcome: RecordOutcome.DUPLICATE },
    {
      index: 2,
      outcome: RecordOutcome.CONFLICT,
      eventId: "0199a0ed-cdc8-7eaf-9e6f-01c353c55b1a",
      violations: [{ field: "events[2].event_id", description: "is stored with other content" }],
    },
    {
      index: 3,
      outcome: RecordOutcome.REJECTED,
      violations: [
        { field: "events[3].event_type", description: "must match a pattern" },
        { field: "events[3]", description: "is odd" },
      ],
    },
  ],
});

function tallied(shown: number): Tally {
  const tally = new Tally(shown);
  tally.events = 4;
  tally.addAnswer(batch, answer);
  return tally;
}

test("what was refused is named with file and line, and its rules without the place in the batch", () => {
  assert.equal(
    summaryText(tallied(20), { seconds: 2, complete: true }),
    "a.jsonl:3: conflict (event 0199a0ed-cdc8-7eaf-9e6f-01c353c55b1a): event_id: is stored with other content\n" +
      "a.jsonl:5: rejected\n    event_type: must match a pattern\n    is odd\n" +
      "4 events in 2.0 s, 2/s: 1 recorded, 1 duplicate, 1 conflict, 1 rejected\n",
  );
});

test("problems beyond the number to be shown are counted", () => {
  const tally = tallied(1);
  tally.addLocal({
    file: "b.jsonl",
    line: 9,
    kind: "unreadable",
    violations: [{ field: "", description: "is not JSON" }],
  });
  const text = summaryText(tally, { seconds: 1, complete: true });
  assert.match(text, /\n… and 2 more problems \(--max-problems shows more\)\n/);
  assert.match(text, /1 rejected, 1 unreadable line\n$/);
  const json = tally.toJson(1, true);
  assert.equal(json["problems_not_shown"], 2);
  assert.equal(json["complete"], true);
});

test("what is not known to be settled is said, and that it is safe to go on", () => {
  const tally = tallied(0);
  tally.events += 7;
  assert.match(
    summaryText(tally, { seconds: 1, complete: false }),
    /What became of 7 events is not known; recording the same files again is safe\.\n$/,
  );
  assert.equal(tally.toJson(1, true)["complete"], false);
});

test("duplicates of batches that were sent twice are told apart: this run may have recorded them", () => {
  const tally = new Tally(0);
  tally.events = 4;
  tally.addRetry([batch]);
  tally.addAnswer(batch, answer);
  assert.equal(tally.duplicatesSentAgain, 1);
  assert.match(
    summaryText(tally, { seconds: 1, complete: true }),
    /\n1 batch had to be sent again; 1 duplicate in them may have been recorded by this run\.\n$/,
  );
});

import assert from "node:assert/strict";
import { randomUUIDv7 } from "node:crypto";
import { test } from "node:test";
import { preparedEvent } from "../../test/support/prepared_event.ts";
import { encodeEntry } from "./entry.ts";
import { QueuedEntry, runsOfDistinctIds } from "./queued_entry.ts";

const place = { stream: "events", sequence: 3, bytes: 100, tries: undefined } as const;

test("an entry tells its correlations once each, and may share an append with any other", () => {
  const events = ["rr-1", "rr-2", "rr-1"].map((correlation_id) => preparedEvent({ correlation_id }));
  const entry = new QueuedEntry({ ...place, fields: encodeEntry(events, "2026-05-13T00:00:00.000Z", "away") });
  assert.deepEqual(entry.correlations, ["rr-1", "rr-2"]);
  assert.equal(entry.eventCount, 3);
  assert.deepEqual(entry.events, events);
  assert.equal(entry.company, Number.POSITIVE_INFINITY);
});

test("one that failed before, here or elsewhere, is tried alone", () => {
  const fields = encodeEntry([preparedEvent()], "2026-05-13T00:00:00.000Z", "away");
  const tries = { tries: 2, firstFailed: "2026-05-13T00:00:00.000Z", lastError: "refused" };
  assert.equal(new QueuedEntry({ ...place, fields, tries }).company, 1);
});

test("one that cannot be read has no events and says why", () => {
  const entry = new QueuedEntry({ ...place, fields: { type: "other" } });
  assert.match(entry.unreadable ?? "", /type/);
  assert.deepEqual([entry.events, entry.correlations, entry.company], [[], [], 1]);
});

test("no event id is twice in one append", () => {
  const [one, other, third] = [preparedEvent(), preparedEvent(), preparedEvent()];
  const again = { ...one, contentDigest: randomUUIDv7() };
  assert.deepEqual(runsOfDistinctIds([one, other, again, third, one]), [[one, other], [again, third], [one]]);
  assert.deepEqual(runsOfDistinctIds([]), []);
});

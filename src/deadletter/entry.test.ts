import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { preparedEvent } from "../../test/support/prepared_event.ts";
import { FIELD_SEPARATOR, RECORD_SEPARATOR } from "../audit/prepare.ts";
import { bytesOf, decodeEntry, EntryUnreadable, encodeEntry, queueOrder } from "./entry.ts";

/** Text with what separates, escapes and quotes in it, with lone surrogates, and none. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.string({
    unit: fc.constantFrom("\x1d", RECORD_SEPARATOR, FIELD_SEPARATOR, "0", "1", "2", '"', "\\", "\ud83d", "\ude00", "a"),
    maxLength: 8,
  }),
);
const event = fc
  .record(
    {
      correlation_id: text.filter((id) => id !== ""),
      event_category: fc.oneof(fc.constantFrom("gateway", "notification"), text),
      actor_id: text,
      namespace: text,
      cluster_name: text,
      error_code: text,
      error_message: text,
      severity: fc.constantFrom("info", "", "critical"),
      duration_ms: fc.nat(),
      is_sensitive: fc.boolean(),
      event_data: fc.json().map((json) => `{"a":${json}}`),
    },
    { requiredKeys: ["correlation_id"] },
  )
  .map((fields) => preparedEvent(fields));

describe("an entry", () => {
  test("gives back the events that were put in, bit for bit", () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 5 }), (events) => {
        assert.deepEqual(decodeEntry(encodeEntry(events, "2026-05-13T21:24:03.000Z", "SQLSTATE 57P01")), events);
      }),
    );
  });

  test("names its form, and carries a digest of its payload", () => {
    const fields = encodeEntry([preparedEvent()], "2026-05-13T21:24:03.000Z", "SQLSTATE 57P01");
    assert.deepEqual(Object.keys(fields), [
      "type",
      "version",
      "payload",
      "timestamp",
      "retry_count",
      "last_error",
      "digest",
    ]);
    assert.match(fields["digest"] ?? "", /^sha256:[0-9a-f]{64}$/);
    assert.equal(bytesOf({ né: "ü" }), 5);
  });

  test("that was changed, or has another form, is unreadable", () => {
    const good = encodeEntry([preparedEvent()], "2026-05-13T21:24:03.000Z", "");
    const withPayload = (payload: string) => ({ ...encodeEntry([preparedEvent()], "", ""), payload });
    for (const fields of [
      {},
      { ...good, type: "other" },
      { ...good, version: "2" },
      withPayload("[]"),
      { ...good, payload: (good["payload"] as string).replace("gateway", "getaway") },
    ]) {
      assert.throws(() => decodeEntry(fields), EntryUnreadable);
    }
  });
});

test("entries keep the order within each correlation, lose nothing, and notifications go to a stream of their own", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("gateway", "notification")), { maxLength: 30 }),
      (pairs) => {
        const events = pairs.map(([correlation_id, event_category]) =>
          preparedEvent({ correlation_id, event_category }),
        );
        const drafts = queueOrder(events);
        for (const { stream, events: inDraft } of drafts) {
          assert.ok(inDraft.length > 0);
          for (const { category } of inDraft) assert.equal(category === "notification", stream === "notifications");
        }
        const queued = drafts.flatMap((draft) => draft.events);
        assert.equal(queued.length, events.length);
        for (const correlation of ["a", "b", "c"]) {
          const of = (list: typeof events) =>
            list.filter((one) => one.correlationId === correlation).map((one) => one.eventId);
          assert.deepEqual(of(queued), of(events));
        }
      },
    ),
  );
});

test("an entry has at most 500 events and 4 MiB", () => {
  const many = Array.from({ length: 1001 }, () => preparedEvent());
  assert.deepEqual(
    queueOrder(many).map((draft) => draft.events.length),
    [500, 500, 1],
  );
  const large = Array.from({ length: 3 }, () => preparedEvent({ event_data: `{"a":"${"x".repeat(2 ** 21)}"}` }));
  assert.equal(queueOrder(large).length, 3);
});

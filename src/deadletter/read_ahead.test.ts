import assert from "node:assert/strict";
import { test } from "node:test";
import { preparedEvent } from "../../test/support/prepared_event.ts";
import { encodeEntry } from "./entry.ts";
import type { StreamName } from "./keys.ts";
import type { StoredEntry } from "./queue_store.ts";
import type { QueuedEntry } from "./queued_entry.ts";
import { ReadAhead } from "./read_ahead.ts";
import { Window } from "./window.ts";

interface Shape {
  readonly stream: StreamName;
  readonly pending?: boolean;
  readonly bytes?: number;
  readonly correlations?: number;
}

/** A reader of a queue with these entries, numbered from 1, of which some were read before. */
function reader(shapes: readonly Shape[], mostCorrelations = 200_000) {
  const entries = shapes.map(({ stream, pending, bytes = 1000, correlations = 1 }, index) => {
    const events = Array.from({ length: correlations }, (_, one) =>
      preparedEvent({ correlation_id: correlations > 1 ? `${index} ${one}` : "rr-1" }),
    );
    const fields = encodeEntry(events, "2026-05-13T21:24:05.000Z", "away");
    return { stream, sequence: index + 1, fields, bytes, tries: undefined, pending } as StoredEntry & {
      pending?: boolean;
    };
  });
  const asked: string[] = [];
  const counts: number[] = [];
  const take = (stream: StreamName, pending: boolean, after: number, count: number) => {
    counts.push(count);
    return entries
      .filter((one) => one.stream === stream && (one.pending ?? false) === pending && one.sequence > after)
      .slice(0, count);
  };
  const last = { events: 0, notifications: 0 };
  const store = {
    async claim(_owner: string, stream: StreamName, after: number, count: number) {
      asked.push(`claim ${stream}`);
      const page = take(stream, true, after, count);
      return { entries: page, more: take(stream, true, page.at(-1)?.sequence ?? after, 1).length > 0 };
    },
    async read(_owner: string, stream: StreamName, count: number) {
      asked.push(`read ${stream}`);
      const page = take(stream, false, last[stream], count);
      last[stream] = page.at(-1)?.sequence ?? last[stream];
      return { entries: page, seen: entries.length };
    },
    reread: async ({ sequence }: { sequence: number }) => entries.find((one) => one.sequence === sequence),
  };
  const claimed: string[] = [];
  const window = new Window<QueuedEntry>((entry) => made.unload(entry));
  const onClaimed = (stream: StreamName, count: number) => void claimed.push(`${stream} ${count}`);
  const made: ReadAhead = new ReadAhead(window, { store, owner: "me", onClaimed, mostCorrelations });
  return { made, window, asked, counts, claimed, entries };
}

const many = (count: number, shape: Shape) => Array.from({ length: count }, () => shape);

test("what was read before comes first, then what is new, until both streams are read to the same place", async () => {
  const { made, window, asked, claimed } = reader([
    { stream: "events", pending: true },
    { stream: "notifications" },
    { stream: "events" },
  ]);
  while (await made.page());
  assert.deepEqual(asked.slice(0, 4), ["claim events", "claim notifications", "read notifications", "read events"]);
  assert.deepEqual(claimed, ["events 1"]);
  const taken = window.take(() => true);
  assert.deepEqual(
    taken.map(({ sequence }) => sequence),
    [1, 2, 3],
  );
});

test("it reads ahead no further than its bound in bytes, and on when some are gone", async () => {
  const { made, window } = reader(many(40, { stream: "events", bytes: 2 ** 20 }));
  while (made.hasRoom && (await made.page()));
  assert.ok(window.ready >= 16 && window.ready < 30, `${window.ready}`);
  for (const entry of window.take(() => true)) made.unload(entry);
  assert.equal(made.hasRoom, true);
});

test("of what is held back it keeps no events, and reads them again when they are wanted", async () => {
  const { made, window, entries } = reader(many(60, { stream: "events", bytes: 2 ** 20 }));
  while (window.ready === 0) await made.page();
  const [lowest] = window.take(({ sequence }) => sequence === 1);
  window.hold(lowest as QueuedEntry, 100);
  while (await made.page()) assert.ok(made.hasRoom);
  assert.equal(window.held, 60, "however many bytes these have");
  window.release(100);
  const [entry] = window.take(() => true) as [QueuedEntry];
  const kept = entry.events;
  assert.equal(kept, undefined);
  assert.equal(await made.reload(entry), true);
  assert.equal(entry.events?.length, 1);
  made.unload(entry);
  entries.splice(0);
  assert.equal(await made.reload(entry), false, "it is gone");
});

test("it remembers a bounded number of correlations, and waits for some to go", async () => {
  const { made, window } = reader(many(100, { stream: "events", correlations: 10, bytes: 2 ** 18 }), 400);
  while (window.ready === 0) await made.page();
  const [lowest] = window.take(({ sequence }) => sequence === 1);
  window.hold(lowest as QueuedEntry, 100);
  window.stop("events", 1);
  while (made.hasRoom && (await made.page()));
  assert.ok(window.correlations >= 400 && window.correlations < 500, `${window.correlations}`);
  assert.equal(window.ready, 0);
  window.release(100);
  window.resume("events");
  window.take(() => true);
  assert.equal(made.hasRoom, true);
});

test("pages are small at first, and as large as entries are small", async () => {
  const small = reader(many(500, { stream: "events", bytes: 1000 }));
  while (await small.made.page());
  assert.equal(small.counts[0], 8);
  assert.equal(Math.max(...small.counts), 200);
  const large = reader(many(20, { stream: "events", bytes: 2 ** 22 }));
  while (await large.made.page());
  assert.equal(large.counts.at(-1), 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { preparedEvent } from "../../../test/support/prepared_event.ts";
import { eventHash } from "../../integrity/event_digest.ts";
import { linkEvents } from "./chain.ts";

const records = (text: string) => text.split("\x1e").map((record) => record.split("\x1f"));

test("each event gets the next place of its chain", () => {
  const head = { position: 41, hash: "ab".repeat(32) };
  const [one, two, three, four] = ["rr-1", "rr-2", "rr-1", "rr-1"].map((id) =>
    preparedEvent({ correlation_id: id }),
  ) as [
    ReturnType<typeof preparedEvent>,
    ReturnType<typeof preparedEvent>,
    ReturnType<typeof preparedEvent>,
    ReturnType<typeof preparedEvent>,
  ];
  const linked = linkEvents([one, two, three, four], (id) => (id === "rr-1" ? head : undefined));
  assert.deepEqual(
    linked.places.map(({ position }) => position),
    [42, 1, 43, 44],
  );
  const first = eventHash(head.hash, one.contentDigest);
  assert.equal(linked.places[0]?.hash, first);
  assert.equal(linked.places[1]?.hash, eventHash(undefined, two.contentDigest));
  assert.equal(linked.places[2]?.hash, eventHash(first, three.contentDigest));
  assert.deepEqual(linked.heads.get("rr-1"), linked.places[3]);
});

test("an append says which heads it expects and leaves, each chain once and in order", () => {
  const head = { position: 1, hash: "cd".repeat(32) };
  const events = ["rr-b", "rr-a", "rr-b"].map((id) => preparedEvent({ correlation_id: id }));
  const linked = linkEvents(events, (id) => (id === "rr-a" ? head : undefined));
  assert.deepEqual(records(linked.arguments.heads), [
    ["rr-a", head.hash, "2", linked.places[1]?.hash],
    ["rr-b", "", "2", linked.places[2]?.hash],
  ]);
  assert.deepEqual([linked.arguments.headCount, linked.arguments.eventCount], [2, 3]);
});

test("ids are sorted, so that two appends wait for each other and never deadlock", () => {
  const events = Array.from({ length: 20 }, () => preparedEvent());
  const ids = records(linkEvents(events.toReversed(), () => undefined).arguments.ids).map(([id]) => id);
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(ids.length, 20);
});

test("separators in a field are escaped in every list, and only then", () => {
  const plain = linkEvents([preparedEvent()], () => undefined);
  assert.equal(plain.arguments.escaped, false);
  const odd = preparedEvent({ correlation_id: "rr\x1f1\x1e2\x1d3", severity: "\x1f" });
  const linked = linkEvents([preparedEvent(), odd], () => undefined);
  assert.equal(linked.arguments.escaped, true);
  const [[correlationId] = []] = records(linked.arguments.heads);
  assert.equal(correlationId, "rr\x1d21\x1d12\x1d03");
  const [one = [], two = []] = records(linked.arguments.events);
  assert.equal(one.length, two.length);
  assert.equal(two[18], "\x1d2");
});

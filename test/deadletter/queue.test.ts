import assert from "node:assert/strict";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { decodeEntry } from "../../src/deadletter/entry.ts";
import { QUEUE_KEYS } from "../../src/deadletter/keys.ts";
import { describeCause, Queue } from "../../src/deadletter/queue.ts";
import { Fault } from "../../src/fault.ts";
import { preparedEvent } from "../support/prepared_event.ts";
import { type OpenStore, openStore, ROOMY, startTestValkey, type TestValkey } from "../support/valkey.ts";

const started = await startTestValkey();
const skip = typeof started === "string" ? started : false;

describe("the queue of a process", { skip }, () => {
  const server = started as TestValkey;
  const opened: { close(): unknown }[] = [];
  const open = async (limits = ROOMY) => {
    const site: OpenStore = openStore(server.url, { limits });
    const changes: boolean[] = [];
    let releases = 0;
    let queuedTimes = 0;
    let wake = () => {};
    const queue = new Queue({
      store: site.store,
      onChange: (takes) => changes.push(takes),
      onQueued: () => queuedTimes++,
      onReleased: () => {
        releases++;
        wake();
      },
    });
    opened.push(queue, site);
    await site.reaches("ready");
    const untilReleased = async (count: number) => {
      while (releases < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    return { ...site, queue, changes, untilReleased, queuedTimes: () => queuedTimes };
  };
  beforeEach(() => server.admin.flushall());
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  after(() => server.stop());

  test("holds the correlations of what it queued until another process has drained it", async () => {
    const { queue, untilReleased } = await open();
    const { store: elsewhere } = await open();
    assert.ok(queue.takes && !queue.holdsAny);
    const adding = queue.add([preparedEvent({ correlation_id: "rr-1" })], undefined);
    assert.ok(queue.holds("rr-1"), "already while it is on its way");
    await adding;
    assert.ok(queue.holds("rr-1") && queue.holdsAny && !queue.holds("rr-2"));
    assert.ok(await elsewhere.takeLease("drainer", 60_000));
    const { entries } = await elsewhere.read("drainer", "events", 10);
    await elsewhere.settle("drainer", entries);
    await untilReleased(1);
    assert.ok(!queue.holdsAny);
  });

  test("a drainer of its own tells it at once", async () => {
    const { queue } = await open();
    await queue.add([preparedEvent({ correlation_id: "rr-1" })], undefined);
    queue.released([{ stream: "events", sequence: 1 }]);
    assert.ok(!queue.holdsAny);
  });

  test("queues events in their order, notifications in their own stream, and says why", async () => {
    const { queue } = await open();
    const events = ["gateway", "notification", "gateway"].map((event_category) => preparedEvent({ event_category }));
    await queue.add(events, Object.assign(new Error("no"), { code: "ECONNREFUSED" }));
    const queued = [];
    for (const key of Object.values(QUEUE_KEYS)) {
      for (const [id, list] of await server.admin.xrange(key, "-", "+")) {
        const fields: Record<string, string> = {};
        for (let at = 0; at < list.length; at += 2) fields[list[at] as string] = list[at + 1] as string;
        assert.equal(fields["last_error"], "ECONNREFUSED");
        queued.push({ id: Number.parseInt(id, 10), events: decodeEntry(fields) });
      }
    }
    queued.sort((a, b) => a.id - b.id);
    assert.deepEqual(
      queued.flatMap((entry) => entry.events),
      events,
    );
  });

  test("what is refused holds nothing", async () => {
    const { queue, queuedTimes } = await open({ ...ROOMY, entries: 1 });
    await queue.add([preparedEvent({ correlation_id: "rr-1" })], undefined);
    await assert.rejects(queue.add([preparedEvent({ correlation_id: "rr-2" })], undefined), { kind: "exhausted" });
    assert.ok(queue.holds("rr-1") && !queue.holds("rr-2"));
    assert.equal(queuedTimes(), 1);
  });

  test("while Valkey is away it takes nothing, says why, and goes on holding what waits there", async () => {
    const { queue, changes, reaches } = await open();
    await queue.add([preparedEvent({ correlation_id: "rr-1" })], undefined);
    await server.kill();
    await reaches("away");
    assert.equal(queue.takes, false);
    assert.equal(queue.refusal.kind, "unavailable");
    assert.ok((queue.refusal.details.retryAfterMs ?? 0) > 0);
    await assert.rejects(queue.add([preparedEvent({ correlation_id: "rr-2" })], undefined), { kind: "unavailable" });
    assert.ok(queue.holds("rr-1") && !queue.holds("rr-2"));
    await server.restart();
    await reaches("ready");
    assert.deepEqual(changes.at(-1), true);
    assert.ok(changes.includes(false));
  });

  test("a wiped Valkey releases everything, and what was lost is told by number", async () => {
    const { queue, lines, untilReleased, reaches } = await open();
    await queue.add([preparedEvent(), preparedEvent()], undefined);
    await server.admin.flushall();
    await untilReleased(1);
    assert.ok(!queue.holdsAny);
    assert.ok(lines.some(({ level, message }) => level === "error" && /WIPED: 2 events in 1 entries/.test(message)));
    await reaches("ready");
    await queue.add([preparedEvent()], undefined);
  });

  test("says why the database could not take events without a host or a statement", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.7:5432"), { code: "ECONNREFUSED" });
    const ended = Object.assign(new Error("INSERT …"), { code: "57P01", severity: "FATAL" });
    const fault = (cause: unknown) => new Fault("unavailable", "away", { reason: "DATABASE_UNAVAILABLE", cause });
    assert.equal(describeCause(fault(refused)), "ECONNREFUSED");
    assert.equal(describeCause(fault(ended)), "SQLSTATE 57P01");
    assert.equal(describeCause(fault(undefined)), "the database could not be written");
    assert.equal(describeCause(undefined), "behind earlier events of its correlation");
  });
});

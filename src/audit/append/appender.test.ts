import assert from "node:assert/strict";
import { test } from "node:test";
import { preparedEvent } from "../../../test/support/prepared_event.ts";
import { Fault } from "../../fault.ts";
import { saltedDigest } from "../../integrity/event_digest.ts";
import type { Database } from "../../postgres/database.ts";
import type { Sql } from "../../postgres/pool.ts";
import type { PreparedEvent } from "../prepare.ts";
import { append } from "./appender.ts";
import { HeadCache } from "./head_cache.ts";
import type { Outcome } from "./outcome.ts";

type Answer = "appended" | "stale" | "duplicate" | Error;
type Row = Record<string, unknown>;

/** An append over a database that answers as the test says; `judge` sees the ids of each append in order. */
async function run(
  events: readonly PreparedEvent[],
  judge: (ids: readonly string[], attempt: number) => Answer,
  rows: { heads?: Row[]; stored?: Row[] } = {},
) {
  const appends: (readonly string[])[] = [];
  const retries: string[] = [];
  const defects: unknown[] = [];
  const unsafe = async (text: string, [, , , rowsOfEvents]: string[]) => {
    if (text.includes("audit_chain_heads")) return rows.heads ?? [];
    if (text.includes("audit_event_ids")) return rows.stored ?? [];
    const ids = (rowsOfEvents ?? "").split("\x1e").map((record) => record.split("\x1f")[0] as string);
    appends.push(ids);
    const answer = judge(ids, appends.length);
    if (answer instanceof Error) throw answer;
    return [{ answer }];
  };
  const lane = {
    run: (statement: (sql: Sql) => Promise<unknown>) => statement({ unsafe } as unknown as Sql),
  } as Database;
  const outcomes = new Map<string, Outcome>();
  const observer = {
    attempt() {},
    recorded() {},
    retry: (reason: string) => void retries.push(reason),
    defect: (error: unknown) => void defects.push(error),
  };
  const heads = new HeadCache(100);
  const fault = await append(lane, events, (event, outcome) => void outcomes.set(event.eventId, outcome), {
    heads,
    ensureMonths: async () => {},
    observer,
  }).then(
    () => undefined,
    (error: Fault) => error,
  );
  return {
    appends,
    retries,
    defects,
    outcomes,
    fault,
    heads,
    kinds: events.map(({ eventId }) => outcomes.get(eventId)?.kind),
  };
}

const reported = (code: string, constraint?: string) =>
  Object.assign(new Error(code), { code, severity: "ERROR", ...(constraint && { constraint_name: constraint }) });
const some = (count: number) => Array.from({ length: count }, () => preparedEvent());

test("what the database takes is recorded with its place, and the heads are remembered", async () => {
  const events = some(3);
  const { outcomes, fault, heads } = await run(events, () => "appended");
  assert.equal(fault, undefined);
  const places = events.map(({ eventId }) => outcomes.get(eventId));
  assert.deepEqual(
    places.map((outcome) => outcome?.kind === "recorded" && outcome.chainPosition),
    [1, 2, 3],
  );
  assert.equal(heads.get("rr-1")?.position, 3);
});

test("an append on a stale head is made again on the one that is there", async () => {
  const head = { correlation_id: "rr-1", chain_position: "7", event_hash: "ab".repeat(32) };
  const { outcomes, retries } = await run(some(1), (_, attempt) => (attempt === 1 ? "stale" : "appended"), {
    heads: [head],
  });
  const [outcome] = [...outcomes.values()];
  assert.equal(outcome?.kind === "recorded" && outcome.chainPosition, 8);
  assert.deepEqual(retries, ["stale"]);
});

test("ids that are stored already are told from each other by their content, the rest is appended", async () => {
  const [same, other, erased, fresh] = some(4) as [PreparedEvent, PreparedEvent, PreparedEvent, PreparedEvent];
  const row = (event: PreparedEvent, salt: string | null, digest: string | null) => ({
    event_id: event.eventId,
    chain_position: "5",
    salt,
    digest,
    event_hash: "cd",
  });
  const salt = "ff".repeat(16);
  const stored = [
    row(same, salt, saltedDigest(salt, "submission", same.submissionDigest)),
    row(other, salt, saltedDigest(salt, "submission", "something else")),
    row(erased, null, null),
  ];
  const { kinds, outcomes, appends } = await run(
    [same, other, erased, fresh],
    (_, attempt) => (attempt === 1 ? "duplicate" : "appended"),
    { stored },
  );
  assert.deepEqual(kinds, ["duplicate", "conflict", "conflict", "recorded"]);
  assert.deepEqual(outcomes.get(same.eventId), { kind: "duplicate", eventHash: "cd", chainPosition: 5 });
  assert.deepEqual(appends.at(-1), [fresh.eventId]);
});

test("an event that the database refuses is found by halves, and all others are stored in order", async () => {
  const events = some(33);
  const bad = events[20] as PreparedEvent;
  const { kinds, appends, outcomes } = await run(events, (ids) =>
    ids.includes(bad.eventId) ? reported("23514", "some_check") : "appended",
  );
  assert.deepEqual(kinds.filter((kind) => kind === "recorded").length, 32);
  assert.deepEqual(outcomes.get(bad.eventId), {
    kind: "rejected",
    violations: [
      { field: "", description: "the database cannot store this event (SQLSTATE 23514, constraint some_check)" },
    ],
  });
  const stored = appends.filter((ids) => !ids.includes(bad.eventId)).flat();
  assert.deepEqual(
    stored,
    events.filter((event) => event !== bad).map(({ eventId }) => eventId),
  );
  assert.ok(appends.length < 15);
});

test("races are run again, and given up after many", async () => {
  const { kinds, retries } = await run(some(1), (_, attempt) => (attempt < 4 ? reported("40P01") : "appended"));
  assert.deepEqual([kinds, retries], [["recorded"], ["race", "race", "race"]]);
});

test("a database that is away leaves the fate open, and forgets the heads", async () => {
  for (const error of [reported("57P01"), Object.assign(new Error("gone"), { code: "CONNECTION_CLOSED" })]) {
    const { kinds, fault, heads } = await run(some(2), () => error);
    assert.deepEqual(kinds, [undefined, undefined]);
    assert.deepEqual(
      [fault?.kind, fault?.details.reason, (fault?.details.retryAfterMs ?? 0) > 0],
      ["unavailable", "DATABASE_UNAVAILABLE", true],
    );
    assert.equal(heads.get("rr-1"), undefined);
  }
});

test("a defect of the schema is told to the operator, and to callers as an outage", async () => {
  const error = reported("42P01");
  const { fault, defects } = await run(some(1), () => error);
  assert.ok(fault instanceof Fault);
  assert.equal(fault.kind, "unavailable");
  assert.deepEqual(defects, [error]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Database } from "../postgres/database.ts";
import type { Sql } from "../postgres/pool.ts";
import { addMonths, monthOf, Partitions } from "./partitions.ts";

/** Partitions over a database that notes which months it is asked to make, and may refuse. */
function partitions(refuse: (month: string) => Error | undefined = () => undefined) {
  const made: string[] = [];
  const clock = { now: Date.parse("2026-05-13T12:00:00Z") };
  const unsafe = async (_: string, [month = ""]: string[]) => {
    made.push(month);
    const error = refuse(month);
    if (error !== undefined) throw error;
    return [];
  };
  const run: Database["run"] = (statement) => statement({ unsafe } as unknown as Sql);
  const options = { monthsAhead: 2, retentionDays: 100, now: () => new Date(clock.now) };
  return { made, clock, partitions: new Partitions({ run } as Database, options) };
}

const reported = (code: string) => Object.assign(new Error(code), { code, severity: "ERROR" });

test("months are counted across years", () => {
  assert.equal(monthOf("2026-05-13"), "2026-05-01");
  assert.equal(addMonths("2026-05-01", 12), "2027-05-01");
  assert.equal(addMonths("2026-01-01", -1), "2025-12-01");
});

test("only months from the retention to the months ahead get a partition", async () => {
  const { made, partitions: some } = partitions();
  await some.ensureMonths(["0001-01-01", "2026-01-31", "2026-02-02", "2026-07-31", "2026-08-01", "9999-12-31"]);
  // A hundred days before 13 May is 2 February.
  assert.deepEqual(made, ["2026-02-01", "2026-07-01"]);
});

test("a month is made once, also when many ask at the same moment", async () => {
  const { made, partitions: some } = partitions();
  await Promise.all([
    some.ensureMonths(["2026-04-01"]),
    some.ensureMonths(["2026-04-30"]),
    some.ensureMonths(["2026-04-02"]),
  ]);
  await some.ensureMonths(["2026-04-03"]);
  assert.deepEqual(made, ["2026-04-01"]);
});

test("the months ahead are made, and further ones as time passes", async () => {
  const { made, clock, partitions: some } = partitions();
  assert.equal(await some.ensureAhead(), 2);
  assert.deepEqual(made, ["2026-05-01", "2026-06-01", "2026-07-01"]);
  clock.now = Date.parse("2026-06-01T00:00:00Z");
  await some.ensureAhead();
  assert.deepEqual(
    made.slice(3),
    ["2026-06-01", "2026-07-01", "2026-08-01"],
    "those that were there are looked at again",
  );
});

test("a month ahead that a lock keeps from being made is told by how far the months go", async () => {
  const { made, partitions: some } = partitions((month) =>
    month === "2026-06-01" && made.length < 3 ? reported("55P03") : undefined,
  );
  assert.equal(await some.ensureAhead(), 0);
  assert.equal(await some.ensureAhead(), 2);
});

for (const code of ["55P03", "40P01", "23514"]) {
  test(`a month that cannot be made now (${code}) is left to the default partition for a minute`, async (t) => {
    const { made, partitions: some } = partitions(() => (made.length < 2 ? reported(code) : undefined));
    await some.ensureMonths(["2026-04-01"]);
    await some.ensureMonths(["2026-04-01"]);
    assert.equal(made.length, 1, "the next append is not held up by another try");
    const minuteLater = performance.now() + 60_000;
    t.mock.method(performance, "now", () => minuteLater);
    await some.ensureMonths(["2026-04-01"]);
    await some.ensureMonths(["2026-04-01"]);
    assert.equal(made.length, 2);
  });
}

test("a database that is away is told to who waits for the month, and the month is tried again", async () => {
  const { made, partitions: some } = partitions(() => (made.length === 1 ? reported("57P01") : undefined));
  await assert.rejects(some.ensureMonths(["2026-04-01"]), /57P01/);
  await some.ensureMonths(["2026-04-01"]);
  assert.equal(made.length, 2);
});

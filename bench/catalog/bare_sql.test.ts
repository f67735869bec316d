import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createDatabase } from "../../test/support/database.ts";
import { openBareSql } from "./bare_sql.ts";

const SERIES = {
  text: "SELECT number, $2::text AS text FROM generate_series(1, $1::text::integer) AS number\n  ORDER BY number",
  parameters: ["250", `it's "quoted" \\ :word`],
};

/** Opens a connection to a database of the test's own, with the variable PATH that is given. */
async function open(t: TestContext, path: string) {
  const database = await createDatabase("bare");
  const before = process.env["PATH"];
  process.env["PATH"] = path;
  const bare = await openBareSql(database.url).finally(() => {
    process.env["PATH"] = before;
  });
  t.after(async () => {
    await bare.close();
    await database.drop();
  });
  return bare;
}

for (const [name, path] of [
  ["what there is", process.env["PATH"] ?? ""],
  ["the driver, without a psql", "/nowhere"],
] as const) {
  test(`a bare statement is run by ${name}: its rows are counted, its time is told`, async (t) => {
    const bare = await open(t, path);
    if (path === "/nowhere") assert.equal(bare.name, "postgres.js");
    for (const count of ["250", "1", "0"]) {
      const { ms, rows } = await bare.run({ ...SERIES, parameters: [count, SERIES.parameters[1] as string] });
      assert.equal(rows, Number(count));
      assert.ok(ms > 0 && ms < 10_000, `${ms}`);
    }
  });

  test(`a bare statement that fails, run by ${name}, is an error`, async (t) => {
    const bare = await open(t, path);
    await assert.rejects(bare.run({ text: "SELECT no_such_column", parameters: [] }));
  });
}

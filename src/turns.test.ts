import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

const never = new AbortController().signal;

test("so many at the same time, the others in their order, also after one that fails", async () => {
  const turns = new Turns(1);
  const begun: string[] = [];
  const first = Promise.withResolvers<void>();
  const take = (name: string, work: () => Promise<unknown>, signal = never) =>
    turns.take(signal, () => {
      begun.push(name);
      return work();
    });
  const failing = assert.rejects(
    take("a", () => first.promise),
    /no/,
  );
  const leaving = new AbortController();
  const left = assert.rejects(
    take("b", async () => {}, leaving.signal),
    /gone/,
  );
  const last = take("c", async () => "done");
  leaving.abort(new Error("gone"));
  await left;
  assert.deepEqual(begun, ["a"]);
  first.reject(new Error("no"));
  await failing;
  assert.equal(await last, "done");
  assert.deepEqual(begun, ["a", "c"]);
  assert.equal(await take("d", async () => "free again"), "free again");
});

test("who has gone does not begin", async () => {
  const turns = new Turns(0);
  await assert.rejects(
    turns.take(AbortSignal.abort(new Error("gone")), async () => {}),
    /gone/,
  );
});

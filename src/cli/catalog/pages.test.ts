import assert from "node:assert/strict";
import { test } from "node:test";
import { readArguments } from "../arguments.ts";
import { list } from "../workflow/list.ts";
import { type AskPage, pagesOf, readLimit } from "./pages.ts";

/** So many items, in pages of at most two however many are asked for; tells what it was asked. */
function items(total: number): { asked: { pageSize: number; pageToken: string }[]; ask: AskPage<number> } {
  const asked: { pageSize: number; pageToken: string }[] = [];
  const ask: AskPage<number> = async (request) => {
    asked.push(request);
    const from = Number(request.pageToken);
    const to = Math.min(total, from + Math.min(2, request.pageSize));
    return {
      items: Array.from({ length: to - from }, (_, index) => from + index),
      nextPageToken: to < total ? `${to}` : "",
    };
  };
  return { asked, ask };
}

test("a list goes on to its end or its limit, also over pages that are shorter than asked for", async () => {
  const whole = items(5);
  assert.deepEqual(await Array.fromAsync(pagesOf(whole.ask, Number.POSITIVE_INFINITY)), [
    { items: [0, 1], more: true },
    { items: [2, 3], more: true },
    { items: [4], more: false },
  ]);
  assert.deepEqual(whole.asked[1], { pageSize: 1000, pageToken: "2" });
  const limited = items(5);
  assert.deepEqual((await Array.fromAsync(pagesOf(limited.ask, 3))).at(-1), { items: [2], more: true });
  assert.deepEqual(limited.asked, [
    { pageSize: 3, pageToken: "" },
    { pageSize: 1, pageToken: "2" },
  ]);
  assert.deepEqual(await Array.fromAsync(pagesOf(items(0).ask, 3)), [{ items: [], more: false }]);
});

test("how many are asked for", () => {
  const limit = (...args: string[]) => readLimit(readArguments(list, args));
  assert.deepEqual([limit(), limit("--limit", "7"), limit("--all")], [100, 7, Number.POSITIVE_INFINITY]);
  assert.throws(() => limit("--limit", "0"), /--limit must be a whole number from 1/);
  assert.throws(() => limit("--limit", "7", "--all"), /--all and --limit do not go together/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "./fault.ts";
import type { Json } from "./integrity/canonical.ts";
import { decodePageToken, encodePageToken } from "./page_token.ts";

const isName = (cursor: unknown): cursor is string => typeof cursor === "string" && cursor !== "";

test("gives back the cursor, whatever the order of the query's keys", () => {
  const token = encodePageToken({ status: "active", names: ["a", "b"] }, "last");
  assert.equal(decodePageToken(token, { names: ["a", "b"], status: "active" }, isName), "last");
});

test("refuses a token of another query, and says so", () => {
  const token = encodePageToken({ status: "active" }, "last");
  assert.throws(() => decodePageToken(token, { status: "disabled" }, isName), refusal(/of the same query$/));
});

test("refuses what is no token", () => {
  const text = (value: Json) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const { query } = JSON.parse(Buffer.from(encodePageToken({}, "last"), "base64url").toString()) as { query: string };
  for (const token of [
    "x",
    "",
    text(null),
    text([]),
    text({ query }),
    text({ cursor: "last" }),
    text({ query, cursor: 1 }),
  ]) {
    assert.throws(
      () => decodePageToken(token, {}, isName),
      refusal(/^page_token: must be the next_page_token of a page before$/),
    );
  }
  assert.equal(decodePageToken(text({ query, cursor: "last" }), {}, isName), "last");
});

function refusal(message: RegExp) {
  return (error: unknown) =>
    error instanceof Fault && message.test(error.message) && error.details.violations?.[0]?.field === "page_token";
}

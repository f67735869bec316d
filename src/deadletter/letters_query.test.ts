import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../fault.ts";
import { decodeToken, encodeToken, lettersQuery } from "./letters_query.ts";

const query = lettersQuery({ streams: ["notifications", "events"], reason: "refused" });

test("a token is good for its own query, however that was written", () => {
  const token = encodeToken(query, 17);
  assert.equal(decodeToken(lettersQuery({ reason: "refused", correlationId: "" }), token), 17);
  for (const other of [{}, { reason: "conflict" }, { reason: "refused", streams: ["events"] }] as const) {
    assert.throws(() => decodeToken(lettersQuery(other), token), Fault);
  }
});

test("what is no token is refused", () => {
  const forged = (cursor: unknown) => {
    const token = JSON.parse(Buffer.from(encodeToken(query, 1), "base64url").toString()) as object;
    return Buffer.from(JSON.stringify({ ...token, cursor })).toString("base64url");
  };
  for (const text of ["", "x", "bnVsbA", forged(0), forged(-1), forged(1.5), forged("1) + ("), forged(null)]) {
    assert.throws(() => decodeToken(query, text), Fault, text);
  }
});

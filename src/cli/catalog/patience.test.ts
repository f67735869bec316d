import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import { Patience } from "./patience.ts";

/** The service says that it takes nothing for a millisecond. */
function busy(reason = "DATABASE_UNAVAILABLE"): ConnectError {
  return new ConnectError("busy", Code.Unavailable, undefined, [
    { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason }) },
    { desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay: { nanos: 1_000_000 } }) },
  ]);
}

const broken = () =>
  new ConnectError("gone", Code.Unavailable, undefined, [
    { desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay: { nanos: 1_000_000 } }) },
  ]);

/** A call that fails with each of these, and then is answered. */
function failing(...errors: Error[]): () => Promise<string> {
  return async () => {
    const error = errors.shift();
    if (error !== undefined) throw error;
    return "answer";
  };
}

function patience(retryForMs = 60_000) {
  const told: string[] = [];
  const onRetry = async ({ rawMessage }: ConnectError) => void told.push(rawMessage);
  return { told, calls: new Patience({ retryForMs, signal: new AbortController().signal, onRetry }) };
}

test("while the service takes nothing, it is asked again", async () => {
  const { told, calls } = patience();
  assert.equal(await calls.call(failing(busy(), broken(), busy())), "answer");
  assert.deepEqual(told, ["busy", "gone", "busy"]);
});

test("a service that was never heard of is not waited for; one that was is", async () => {
  const { told, calls } = patience();
  await assert.rejects(calls.call(failing(broken())), /gone/);
  assert.deepEqual(told, []);
  await calls.call(failing());
  assert.equal(await calls.call(failing(broken())), "answer");
});

test("what cannot succeed later is not asked again, nor after the time is over", async () => {
  const final = new ConnectError("no", Code.InvalidArgument);
  for (const [calls, error] of [
    [patience().calls, final],
    [patience().calls, busy("MESSAGE_TOO_LARGE")],
    [patience(0).calls, busy()],
    [patience().calls, new Error("defect")],
  ] as const)
    await assert.rejects(calls.call(failing(error)), error);
});

test("who asks for an end does not wait", async () => {
  const ending = new AbortController();
  const error = busy();
  const calls = new Patience({ retryForMs: 60_000, signal: ending.signal, onRetry: async () => ending.abort() });
  await assert.rejects(calls.call(failing(error, busy())), error);
});

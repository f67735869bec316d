import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RequestMemory } from "./request_memory.ts";

const never = new AbortController().signal;

describe("the memory for requests", () => {
  it("gives a connection at most half of what the others leave", () => {
    const memory = new RequestMemory(100);
    const [a, b, c] = [memory.share(), memory.share(), memory.share()];
    assert.equal(a.tryTake(51, "single"), false);
    assert.equal(a.tryTake(50, "single"), true);
    assert.equal(a.tryTake(1, "single"), false);
    assert.equal(b.tryTake(26, "single"), false);
    assert.equal(b.tryTake(25, "single"), true);
    assert.equal(c.tryTake(12, "single"), true);
    assert.equal(memory.usedBytes, 87);
    a.give(50);
    assert.equal(memory.usedBytes, 37);
    assert.equal(b.tryTake(19, "single"), true, "44 of the 88 that c leaves");
    assert.equal(b.tryTake(1, "single"), false);
  });

  it("is left to single messages by the streams of the same connection", async () => {
    const share = new RequestMemory(800).share();
    await share.take(300, never);
    assert.equal(share.tryTake(1, "stream"), false);
    assert.equal(share.tryTake(100, "single"), true);
  });

  it("comes to streams in the order in which they asked", async () => {
    const memory = new RequestMemory(800);
    const [a, b, c] = [memory.share(), memory.share(), memory.share()];
    await a.take(300, never);
    const order: string[] = [];
    const waits = [
      b.take(250, never).then(() => order.push("large")),
      c.take(10, never).then(() => order.push("small")),
    ];
    a.give(100);
    assert.equal(memory.usedBytes, 200, "a small one does not pass by a large one of a connection that holds nothing");
    a.give(200);
    await Promise.all(waits);
    assert.deepEqual(order, ["large", "small"]);
    assert.equal(memory.usedBytes, 260);
  });

  it("is not kept from others by a connection that waits for what it holds itself", async () => {
    const memory = new RequestMemory(800);
    const [flood, other] = [memory.share(), memory.share()];
    await flood.take(300, never);
    const waiting = flood.take(100, never);
    await other.take(100, never);
    assert.equal(memory.usedBytes, 400);
    flood.give(300);
    await waiting;
    assert.equal(memory.usedBytes, 200);
  });

  it("is not waited for when the call has ended, and those behind move up", async () => {
    const memory = new RequestMemory(800);
    const [a, b, c] = [memory.share(), memory.share(), memory.share()];
    await a.take(300, never);
    const ended = new AbortController();
    const gone = assert.rejects(b.take(250, ended.signal), /gone/);
    const next = c.take(100, never);
    ended.abort(new Error("gone"));
    await Promise.all([gone, next]);
    await assert.rejects(b.take(250, ended.signal), /gone/);
    assert.equal(memory.usedBytes, 400);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RequestMemory } from "./request_memory.ts";

const never = new AbortController().signal;

describe("the memory for requests", () => {
  it("is refused over the limit of the whole and over that of a connection", () => {
    const memory = new RequestMemory(100, 60);
    const [a, b] = [memory.share(), memory.share()];
    assert.equal(a.tryTake(60), true);
    assert.equal(a.tryTake(1), false);
    assert.equal(b.tryTake(41), false);
    assert.equal(b.tryTake(40), true);
    assert.equal(memory.usedBytes, 100);
    a.give(60);
    assert.equal(memory.usedBytes, 40);
    assert.equal(a.tryTake(60), true);
  });

  it("comes in the order in which it was asked for", async () => {
    const memory = new RequestMemory(100, 100);
    const [a, b, c] = [memory.share(), memory.share(), memory.share()];
    a.tryTake(100);
    const order: string[] = [];
    const waits = [
      b.take(90, never).then(() => order.push("large")),
      c.take(10, never).then(() => order.push("small")),
    ];
    a.give(50);
    assert.equal(memory.usedBytes, 50, "a small one does not pass by a large one that waits for the whole");
    a.give(50);
    await Promise.all(waits);
    assert.deepEqual(order, ["large", "small"]);
  });

  it("is not kept from others by a connection that waits for its own share", async () => {
    const memory = new RequestMemory(100, 30);
    const [flood, other] = [memory.share(), memory.share()];
    flood.tryTake(30);
    const waiting = flood.take(30, never);
    await other.take(30, never);
    assert.equal(memory.usedBytes, 60);
    assert.equal(flood.tryTake(0), false, "a connection does not pass itself by");
    flood.give(30);
    await waiting;
    assert.equal(memory.usedBytes, 60);
  });

  it("is not waited for when the call has ended, and those behind move up", async () => {
    const memory = new RequestMemory(100, 100);
    const [a, b, c] = [memory.share(), memory.share(), memory.share()];
    a.tryTake(95);
    const ended = new AbortController();
    const gone = assert.rejects(b.take(50, ended.signal), /gone/);
    const next = c.take(5, never);
    ended.abort(new Error("gone"));
    await Promise.all([gone, next]);
    await assert.rejects(b.take(50, ended.signal), /gone/);
    assert.equal(memory.usedBytes, 100);
  });
});

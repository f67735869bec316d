import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { grownWindow, MIN_WINDOW_BYTES, shrunkWindow } from "./windows.ts";

const MIB = 1024 * 1024;
const windows = { streamWindowBytes: 4 * MIB, connectionWindowBytes: 16 * MIB };

describe("the window of a stream", () => {
  it("is whole while all streams together stay within the connection", () => {
    for (const streams of [0, 1, 4]) assert.equal(shrunkWindow(streams, windows), 4 * MIB);
  });

  it("never lets the streams have more than the connection, down to the least that is useful", () => {
    for (let streams = 1; streams <= 1024; streams += 1) {
      const window = shrunkWindow(streams, windows);
      assert.ok(window * streams <= 16 * MIB || window === MIN_WINDOW_BYTES, `${streams} streams of ${window}`);
    }
    assert.equal(shrunkWindow(256, windows), 64 * 1024);
    assert.equal(shrunkWindow(100_000, windows), MIN_WINDOW_BYTES);
  });

  it("grows back later than it shrinks, so that it does not change with every stream", () => {
    assert.equal(shrunkWindow(5, windows), 2 * MIB);
    assert.equal(grownWindow(4, windows), 2 * MIB);
    assert.equal(grownWindow(2, windows), 4 * MIB);
  });

  it("is what was asked for where that is less than the least", () => {
    assert.equal(shrunkWindow(1, { streamWindowBytes: 1000, connectionWindowBytes: 65_535 }), 1000);
  });
});

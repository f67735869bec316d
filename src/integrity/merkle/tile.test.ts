import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTilePath, TILE_WIDTH, tilePath, tileWidths } from "./tile.ts";

test("paths are those of tlog-tiles", () => {
  assert.equal(tilePath({ level: 0, index: 0 }), "tile/0/000");
  assert.equal(tilePath({ level: 3, index: 1_234_067 }), "tile/3/x001/x234/067");
  assert.equal(tilePath({ level: 0, index: 273 }, 112), "tile/0/273.p/112");
  assert.equal(tilePath({ entries: 1_000 }, 1), "tile/entries/x001/000.p/1");
  assert.equal(tilePath({ level: 0, index: 1 }, TILE_WIDTH), "tile/0/001");
});

test("a path tells its tile again", () => {
  const level = fc.oneof(fc.nat({ max: 63 }), fc.constant("entries" as const));
  fc.assert(
    fc.property(level, fc.maxSafeNat(), fc.integer({ min: 1, max: TILE_WIDTH }), (kind, index, width) => {
      const path = kind === "entries" ? tilePath({ entries: index }, width) : tilePath({ level: kind, index }, width);
      assert.deepEqual(parseTilePath(path), { level: kind, index, width });
    }),
  );
});

test("another spelling of a path is none", () => {
  const wrong = [
    "",
    "/tile/0/000",
    "tile/0/000/",
    "tile/0/000\n",
    "tile/0/0",
    "tile/0/0000",
    "tile/0/1000",
    "tile/00/000",
    "tile/01/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/x/000",
    "tile/entry/000",
    "tile/0/x000/001",
    "tile/0/001/001",
    "tile/0/x001",
    "tile/0/x001/x002",
    "tile/0/X001/002",
    "tile/0/x999/x999/x999/x999/x999/999",
    "tile/0/x001/x001/x001/x001/x001/x001/001",
    "tile/0/000.p/0",
    "tile/0/000.p/00",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/",
    "tile/0/000.p",
    "tile/0/٠٠٠",
  ];
  for (const path of wrong) assert.equal(parseTilePath(path), undefined, path);
});

test("the rightmost tiles of a size are those of tlog-tiles", () => {
  assert.deepEqual(tileWidths(0), []);
  assert.deepEqual(tileWidths(1), [{ level: 0, index: 0, width: 1 }]);
  assert.deepEqual(tileWidths(256), [
    { level: 0, index: 0, width: 256 },
    { level: 1, index: 0, width: 1 },
  ]);
  assert.deepEqual(tileWidths(70_000), [
    { level: 0, index: 273, width: 112 },
    { level: 1, index: 1, width: 17 },
    { level: 2, index: 0, width: 1 },
  ]);
  assert.deepEqual(tileWidths(2 ** 48).at(-1), { level: 6, index: 0, width: 1 });
});

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { CompactRange } from "../merkle/compact_range.ts";
import { leafHash } from "../merkle/hash.ts";
import { tileKey, tileWidths } from "../merkle/tile.ts";
import { TreeContradiction, TreeEdge } from "./tree_edge.ts";

const entry = (index: number) => hash("sha256", `entry ${index}`, "buffer");

/** Writes as the database does: whole pieces in place of what is there. */
class Written {
  readonly tiles = new Map<string, Buffer>();
  readonly bundles = new Map<number, Buffer>();

  take(edge: TreeEdge): this {
    const { tiles, bundles } = edge.takeChanges();
    for (const tile of tiles) this.tiles.set(tileKey(tile), Buffer.from(tile.bytes));
    for (const { index, bytes } of bundles) this.bundles.set(index, Buffer.from(bytes));
    return this;
  }

  edge(size: number): TreeEdge {
    const { tiles, bundle } = TreeEdge.needs(size);
    const wanted = new Map(tiles.flatMap((id) => [[tileKey(id), this.tiles.get(tileKey(id)) as Buffer]]));
    return TreeEdge.from(size, wanted, bundle === undefined ? undefined : this.bundles.get(bundle));
  }
}

test("the root is that of RFC 6962 at any size, however often the edge is written and read again", () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(256, 255, 512)), { maxLength: 8 });
  fc.assert(
    fc.property(steps, (sizes) => {
      const written = new Written();
      const range = new CompactRange();
      let edge = new TreeEdge();
      for (const events of sizes) {
        const end = edge.size + events;
        while (edge.size < end) {
          range.append(leafHash(entry(edge.size)));
          edge.append(entry(edge.size));
        }
        assert.deepEqual(edge.root(), range.root());
        edge = written.take(edge).edge(end);
        assert.deepEqual(edge.root(), range.root());
      }
    }),
    { numRuns: 60 },
  );
});

test("a tree of three levels of tiles is written whole and gone on with", () => {
  const size = 65_536 + 256 + 3;
  const written = new Written();
  const range = new CompactRange();
  const edge = new TreeEdge();
  while (edge.size < size) {
    range.append(leafHash(entry(edge.size)));
    edge.append(entry(edge.size));
    if (edge.size % 5_000 === 0) written.take(edge);
  }
  written.take(edge);
  assert.deepEqual(written.edge(size).root(), range.root());
  for (const { level, index, width } of tileWidths(size)) {
    assert.equal(written.tiles.get(tileKey({ level, index }))?.length, 32 * width);
  }
  assert.equal(written.bundles.size, 258);
  // Of an earlier tree, whose last tiles hold more by now.
  const earlier = new CompactRange();
  for (let index = 0; index < size - 2; index++) earlier.append(leafHash(entry(index)));
  assert.deepEqual(written.edge(size - 2).root(), earlier.root());
});

test("nothing is written that has not changed", () => {
  const edge = new TreeEdge();
  for (let index = 0; index < 257; index++) edge.append(entry(index));
  const tiles = () => edge.takeChanges().tiles.map(tileKey);
  assert.deepEqual(tiles(), ["0/0", "0/1", "1/0"]);
  edge.append(entry(257));
  assert.deepEqual(tiles(), ["0/1"]);
  assert.deepEqual(edge.takeChanges(), { tiles: [], bundles: [] });
});

test("tiles that are missing, too short, or not those of the entries are told", () => {
  const edge = new TreeEdge();
  for (let index = 0; index < 300; index++) edge.append(entry(index));
  const written = new Written().take(edge);
  const last = written.tiles.get("0/1") as Buffer;
  written.tiles.delete("0/1");
  assert.throws(() => written.edge(300), TreeContradiction);
  written.tiles.set("0/1", last.subarray(32));
  assert.throws(() => written.edge(300), TreeContradiction);
  written.tiles.set("0/1", last);
  assert.equal(written.edge(300).size, 300);
  written.bundles.get(1)?.writeUInt8(7, 32 * 43);
  assert.throws(() => written.edge(300), new TreeContradiction("entry 299 is not that of its leaf"));
});

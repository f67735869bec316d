import { CompactRange } from "../../integrity/merkle/compact_range.ts";
import { leafHash } from "../../integrity/merkle/hash.ts";
import { TILE_HEIGHT, TILE_WIDTH } from "../../integrity/merkle/tile.ts";
import type { CheckContext } from "../check.ts";
import { statement } from "../statement.ts";
import type { CheckpointRoots } from "./checkpoint_roots.ts";
import { type ExpectedEntries, type ExpectedEntry, indexes } from "./runs.ts";
import { hashesOf, rootOf, TileLevel } from "./tile_level.ts";

const LEAVES = statement("log_leaves");

interface Bundle {
  readonly index: number;
  readonly entries: readonly Buffer[];
  readonly leaves: readonly Buffer[];
}

/**
 * Goes through the log's entries in their order: holds each against its event, the leaf hashes against the entries, each level
 * of tiles against the one below, and checkpoints against the tree as it was at their size. Gives the tree, as far as anything
 * is stored of it.
 */
export async function checkLeaves(
  context: CheckContext<"log">,
  size: number,
  expected: ExpectedEntries,
  checkpoints: CheckpointRoots,
): Promise<CompactRange> {
  const { report } = context;
  const tree = new CompactRange();
  const above = new TileLevel(context, 1);
  const bundles = bundlesOf(context.snapshot);
  let bundle = (await bundles.next()).value;
  await checkpoints.covered(tree, []);
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    if (bundle === undefined && expected.ended) {
      await report.fault("no_entry", { name: indexes(index * TILE_WIDTH, size) });
      await report.fault("no_tile", { name: `tile 0/${index} and those behind it` });
      break;
    }
    for (; bundle !== undefined && bundle.index < index; bundle = (await bundles.next()).value) {
      await tellWidths(report, bundle, 0);
    }
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    const entries = await expected.upTo(index * TILE_WIDTH + width);
    const here = bundle?.index === index ? bundle : { index, entries: [], leaves: [] };
    const leaves = await checkBundle(report, here, width, entries);
    await checkpoints.covered(tree, leaves);
    if (width < TILE_WIDTH) for (const leaf of leaves) tree.append(leaf);
    else {
      const root = rootOf(leaves);
      tree.appendSubtree(TILE_HEIGHT, root);
      await above.take(root);
    }
    report.progress(tree.size);
    if (here === bundle) bundle = (await bundles.next()).value;
  }
  for (; bundle !== undefined; bundle = (await bundles.next()).value) await tellWidths(report, bundle, 0);
  await above.end();
  return tree;
}

/** Gives the leaf hashes as the tree has them; those that it lacks follow from the entries, or from the events. */
async function checkBundle(
  report: CheckContext<"log">["report"],
  bundle: Bundle,
  width: number,
  expected: ReadonlyMap<number, ExpectedEntry>,
): Promise<Buffer[]> {
  const leaves: Buffer[] = [];
  const first = bundle.index * TILE_WIDTH;
  for (let place = 0; place < width; place++) {
    const event = expected.get(first + place);
    const entry = bundle.entries[place];
    if (entry !== undefined && event !== undefined) await checkEntry(report, first + place, entry, event);
    const leaf = leafHash(entry ?? Buffer.from(event?.entry ?? "", "hex"));
    const stored = bundle.leaves[place];
    if (entry !== undefined && stored !== undefined && !stored.equals(leaf)) {
      const name = `tile 0/${bundle.index}, hash ${place}`;
      await report.fault("tile", { name, expected: leaf.toString("hex"), found: stored.toString("hex") });
    }
    leaves.push(stored ?? leaf);
  }
  const { entries, leaves: stored } = bundle;
  if (entries.length < width) await report.fault("no_entry", { name: indexes(first + entries.length, first + width) });
  if (stored.length < width) {
    await report.fault("no_tile", { name: `tile 0/${bundle.index}, from hash ${stored.length} on` });
  }
  await tellWidths(report, bundle, width);
  return leaves;
}

async function checkEntry(
  report: CheckContext<"log">["report"],
  index: number,
  entry: Buffer,
  { correlationId, position, entry: expected }: ExpectedEntry,
): Promise<void> {
  const found = entry.toString("hex");
  if (found !== expected) {
    await report.fault("entry", { name: indexes(index, index + 1), correlationId, position, expected, found });
  }
}

async function tellWidths(
  report: CheckContext<"log">["report"],
  { index, entries, leaves }: Bundle,
  width: number,
): Promise<void> {
  for (const [name, { length }] of [
    [`bundle ${index}`, entries],
    [`tile 0/${index}`, leaves],
  ] as const) {
    if (length > width) await report.fault("width", { name, expected: `${width} hashes`, found: `${length}` });
  }
}

async function* bundlesOf(snapshot: CheckContext<"log">["snapshot"]): AsyncGenerator<Bundle, undefined> {
  for await (const page of snapshot.texts(LEAVES)) {
    for (const text of page) {
      const [index, entries = "", leaves = ""] = text.split("\u001f");
      yield { index: Number(index), entries: hashesOf(entries), leaves: hashesOf(leaves) };
    }
  }
  return undefined;
}

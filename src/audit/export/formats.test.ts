import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { CompactRange } from "../../integrity/merkle/compact_range.ts";
import { leafHash } from "../../integrity/merkle/hash.ts";
import { alignedSubtrees } from "../../integrity/merkle/subtrees.ts";
import type { TileId } from "../../integrity/merkle/tile.ts";
import type { WalkRow, WalkStep } from "../read/log_walk.ts";
import { inChunks } from "./chunks.ts";
import { csvFormat } from "./csv.ts";
import { proofLines } from "./gap_proofs.ts";
import { jsonlFormat } from "./jsonl.ts";
import { parquetFormat } from "./parquet.ts";
import { withProgress } from "./progress.ts";
import { tarOf } from "./tar.ts";

const MIB = 1024 * 1024;

test("proofs of a thousand gaps ask for their tiles in sixteen reads, and each root is the one of its entries", async () => {
  const size = 4096;
  const leaves = Array.from({ length: size }, (_, index) => leafHash(Buffer.alloc(32, index % 251)));
  const reads: number[] = [];
  const tiles = (ids: readonly TileId[]) => {
    reads.push(ids.length);
    const tile = ({ level, index }: TileId) => {
      assert.equal(level, 0);
      return Buffer.concat(leaves.slice(256 * index, 256 * (index + 1)));
    };
    return Promise.resolve(new Map(ids.map((id) => [`${id.level}/${id.index}`, tile(id)])));
  };
  const gaps = Array.from({ length: 1024 }, (_, place) => ({ first: 4 * place + 1, last: 4 * place + 3 }));
  const lines: string[] = [];
  for await (const line of proofLines({ tiles }, gaps)) lines.push(line);
  assert.equal(reads.length, 16);
  assert.ok(reads.every((count) => count === 1));
  const [gap] = gaps.slice(-1) as [(typeof gaps)[number]];
  const { first, last, hashes } = JSON.parse(lines.at(-1) ?? "") as { first: number; last: number; hashes: string[] };
  assert.deepEqual({ first, last }, gap);
  const expected = alignedSubtrees(first, last + 1).map(({ level, index }) => {
    const range = new CompactRange();
    for (const leaf of leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)) range.append(leaf);
    return range.root().toString("base64");
  });
  assert.deepEqual(hashes, expected);
});

test("chunks are not larger than asked for, put small pieces together, and are the same bytes", async () => {
  const pieces = [3, 0, 10, 1, 4].map((length, value) => Buffer.alloc(length, value));
  const chunks: Uint8Array[] = [];
  for await (const chunk of inChunks(later(pieces), 4)) chunks.push(chunk);
  assert.deepEqual(
    chunks.map(({ length }) => length),
    [3, 4, 4, 3, 4],
  );
  assert.deepEqual(Buffer.concat(chunks), Buffer.concat(pieces));
});

test("progress is told while the next chunk is waited for", async () => {
  const arrived = Promise.withResolvers<string>();
  async function* chunks() {
    yield await arrived.promise;
  }
  const told: unknown[] = [];
  for await (const part of withProgress(chunks(), async () => told.length)) {
    told.push(part);
    arrived.resolve("chunk");
  }
  assert.deepEqual(told, [{ progress: 0 }, { chunk: "chunk" }]);
});

test("no format reads further ahead of its consumer than a few megabytes", async () => {
  const formats = [jsonlFormat.write, csvFormat.write, parquetFormat.write, archived];
  for (const write of formats) {
    let given = 0;
    async function* endless(): AsyncGenerator<WalkStep> {
      for (let index = 0; ; index++) {
        given += MIB;
        yield { rows: [rowOf(index, MIB)], removed: [], upTo: index };
      }
    }
    let taken = 0;
    for await (const chunk of inChunks(write(endless()), MIB)) {
      taken += chunk.length;
      assert.ok(given - taken < 8 * MIB, `${given - taken} bytes ahead`);
      if (taken >= 20 * MIB) break;
    }
    const atEnd = given;
    await new Promise(setImmediate);
    assert.equal(given, atEnd);
  }
});

/** The lines of steps as files of an archive. */
async function* archived(steps: AsyncIterable<WalkStep>): AsyncGenerator<Uint8Array> {
  async function* files() {
    for await (const { upTo } of steps) yield { name: `${upTo}`, content: Buffer.alloc(MIB) };
  }
  yield* tarOf(files());
}

async function* later<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

/** A row whose payload no compression makes smaller. */
function rowOf(index: number, bytes: number): WalkRow {
  const noise = randomBytes((bytes / 4) * 3).toString("base64");
  const time = "2026-11-01 10:00:00.012345+00";
  const texts = { event_id: "i", event_hash: "0".repeat(64), run_salt: "0".repeat(32) };
  return {
    ...texts,
    event_timestamp: time,
    recorded_time: time,
    chain_position: String(index + 1),
    log_index: String(index),
    event_data: JSON.stringify({ noise }),
    duration_ms: null,
    retention_days: 1,
    is_sensitive: false,
  } as unknown as WalkRow;
}

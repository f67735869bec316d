import type { Resource, Resources } from "../../rpc/resources.ts";
import { HASH_BYTES } from "../entry.ts";
import type { LogReader } from "../log/log_reader.ts";
import type { TileStore } from "../log/tile_store.ts";
import { parseTilePath, TILE_WIDTH } from "../merkle/tile.ts";
import { PublishedSize } from "./published_size.ts";

/** What the log is served from. */
export interface LogResourcesParts {
  readonly log: Pick<LogReader, "state">;
  readonly tiles: Pick<TileStore, "tiles" | "entries">;
}

/** A tile or bundle that a path names. */
interface Tile {
  readonly level: number | "entries";
  readonly index: number;
  /** Hashes or entries that are asked for: 256 is all of it. */
  readonly width: number;
}

/** A checkpoint is made every second where something is added: who asks again sees it. */
const UNTIL_THE_NEXT: string = "public, max-age=1";
/** What stands at a path of a tile never changes: the width is part of it. A year is the longest that caches know. */
const FOR_EVER: string = "public, max-age=31536000, immutable";

/**
 * The log by plain HTTP, as https://c2sp.org/tlog-tiles says: `/checkpoint`, `/tile/<L>/<N>[.p/<W>]` and
 * `/tile/entries/<N>[.p/<W>]`. Only what the published checkpoint covers is there, and of that every width, also when the
 * tile has become full. Bundles are not compressed: hashes cannot be.
 */
export function logResources({ log, tiles }: LogResourcesParts): readonly Resources[] {
  const published = new PublishedSize(log);
  return [
    { path: "/checkpoint", read: (_, signal) => readCheckpoint(log, signal) },
    { path: "/tile/", read: (path, signal) => readTile(tiles, published, path, signal) },
  ];
}

async function readCheckpoint(log: Pick<LogReader, "state">, signal: AbortSignal): Promise<Resource | undefined> {
  const { publishedNote } = await log.state(signal);
  if (publishedNote === undefined) return undefined;
  return { body: Buffer.from(publishedNote), contentType: "text/plain; charset=utf-8", cacheControl: UNTIL_THE_NEXT };
}

async function readTile(
  tiles: LogResourcesParts["tiles"],
  published: PublishedSize,
  path: string,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  const tile = parseTilePath(path.slice(1));
  if (tile === undefined || !(await published.covers(entriesUnder(tile), signal))) return undefined;
  const hashes = await hashesOf(tiles, tile);
  const length = tile.width * HASH_BYTES;
  // The log was indexed anew after an older backup came back, and has not come as far again.
  if (hashes === undefined || hashes.byteLength < length) return undefined;
  const body = tile.level === "entries" ? bundle(hashes.subarray(0, length)) : Buffer.from(hashes.subarray(0, length));
  return { body, contentType: "application/octet-stream", cacheControl: FOR_EVER };
}

/** Entries that a tree must have for a tile of this width to be in it. */
function entriesUnder({ level, index, width }: Tile): number {
  return (index * TILE_WIDTH + width) * TILE_WIDTH ** (level === "entries" ? 0 : level);
}

async function hashesOf(tiles: LogResourcesParts["tiles"], { level, index }: Tile): Promise<Buffer | undefined> {
  if (level === "entries") return (await tiles.entries([index])).get(index);
  return (await tiles.tiles([{ level, index }])).get(`${level}/${index}`);
}

/** Entries one after the other, each behind its length: 16 bits, big-endian. */
function bundle(entries: Buffer): Buffer<ArrayBuffer> {
  const step = 2 + HASH_BYTES;
  const body = Buffer.alloc((entries.byteLength / HASH_BYTES) * step);
  for (let from = 0, to = 0; from < entries.byteLength; from += HASH_BYTES, to += step) {
    body.writeUInt16BE(HASH_BYTES, to);
    entries.copy(body, to + 2, from, from + HASH_BYTES);
  }
  return body;
}

import { setImmediate as turn } from "node:timers/promises";
import { failpoint } from "../../failpoint.ts";
import type { Database } from "../../postgres/database.ts";
import { sqlState } from "../../postgres/errors.ts";
import type { Sealer } from "../sealing/sealer.ts";
import type { Grumble } from "./grumble.ts";
import { indexRows } from "./index_rows.ts";
import { advance, type Look, readPending } from "./log_statements.ts";
import { type Misplaced, type PendingRow, sortPending } from "./pending.ts";
import { TileStore } from "./tile_store.ts";
import { TreeContradiction, TreeEdge } from "./tree_edge.ts";

/** Events that are given an index at once, at most. */
const MOST_EVENTS = 16_384;

export interface LogHolderParts {
  /** One connection: that which has the lock. */
  readonly database: Database;
  readonly sealer: Pick<Sealer, "status" | "takeOver" | "seal" | "release">;
  readonly grumble: Grumble;
  /** So many events have got an index, in so many seconds from reading them on; the log has come to `size`. */
  readonly onAdvanced: (events: number, seconds: number, size: number) => void;
}

interface Edge {
  readonly tree: TreeEdge;
  /** Of what is committed. */
  root: Buffer;
}

/** What the process does that has the lock of the log. Nothing rests on there being one only: advance_audit_log compares the size. */
export class LogHolder {
  readonly #parts: LogHolderParts;
  /** Absent: to be read. */
  #edge: Edge | undefined;
  #events = MOST_EVENTS;
  /** Rows that can never be given an index. */
  readonly #aside = new Set<string>();

  constructor(parts: LogHolderParts) {
    this.#parts = parts;
  }

  /** The lock was got. What was left aside is tried again. */
  begin(): void {
    this.#aside.clear();
    this.#events = MOST_EVENTS;
  }

  /** Forgets the tree: what was sent may or may not have been done, or somebody else has made it longer. */
  giveUp(): void {
    this.#edge = undefined;
    this.#parts.sealer.release();
  }

  /** Whether the tree may be made longer: it is what it was, or was read and contradicts nothing. */
  async ready({ size, root }: Look): Promise<boolean> {
    const { sealer } = this.#parts;
    const known = this.#edge;
    if (known?.tree.size === size && known.root.toString("hex") === root && sealer.status !== "contradicted")
      return true;
    this.#edge = undefined;
    if (!(await sealer.takeOver())) return false;
    const tree = await this.#read(size, root);
    if (tree === undefined) return false;
    this.#edge = { tree, root: Buffer.from(root, "hex") };
    return true;
  }

  /** Gives an index to what is pending, once. True: there may be more. Only where it is ready. */
  async index(): Promise<boolean> {
    const started = performance.now();
    const rows = await this.#parts.database.run((sql) => readPending(sql, this.#events, this.#aside));
    failpoint("log.read");
    // Each of these steps takes milliseconds where there are very many rows: calls are answered in between.
    await turn();
    const { next, afterGap, repeated } = sortPending(rows);
    this.#tellMisplaced(afterGap, repeated);
    if (next.length === 0) return repeated.length > 0;
    const events = next.reduce((sum, { eventCount }) => sum + eventCount, 0);
    if (!(await this.#advance(next))) return true;
    const full = events >= this.#events;
    this.#events = Math.min(MOST_EVENTS, 2 * this.#events);
    this.#parts.onAdvanced(events, (performance.now() - started) / 1000, this.size);
    return full;
  }

  get size(): number {
    return this.#edge?.tree.size ?? 0;
  }

  /** Signs what has an index where it is time to. Never rejects. */
  async seal(): Promise<void> {
    if (this.#edge !== undefined) await this.#parts.sealer.seal(this.#edge.tree.size, this.#edge.root);
  }

  /** The edge of the tree as the tiles have it. */
  async #read(size: number, root: string): Promise<TreeEdge | undefined> {
    const { database, grumble } = this.#parts;
    const store = new TileStore(database);
    const { tiles, bundle } = TreeEdge.needs(size);
    const found = await store.tiles(tiles);
    const bundles = await store.entries(bundle === undefined ? [] : [bundle]);
    try {
      const edge = TreeEdge.from(size, found, bundles.get(bundle ?? -1));
      if (edge.root().toString("hex") !== root) throw new TreeContradiction("the tiles do not lead to the root");
      return edge;
    } catch (error) {
      if (!(error instanceof TreeContradiction)) throw error;
      grumble.error("tiles", { err: error, size }, "the log's tiles contradict its state: nothing more is indexed");
      return undefined;
    }
  }

  async #advance(rows: readonly PendingRow[]): Promise<boolean> {
    const edge = this.#edge;
    if (edge === undefined) return false;
    try {
      await turn();
      const step = await indexRows(edge.tree, rows);
      await turn();
      failpoint("log.advance");
      const answer = await this.#parts.database.run((sql) => advance(sql, step));
      failpoint("log.advanced");
      if (answer === "stale") this.#edge = undefined;
      else edge.root = step.newRoot;
      return answer === "advanced";
    } catch (error) {
      this.#edge = undefined;
      this.#takeLess(rows, error);
      throw error;
    }
  }

  /** The next try is with less: so a statement that took too long gets through, and a row that is refused is found. */
  #takeLess(rows: readonly PendingRow[], error: unknown): void {
    const events = rows.reduce((sum, { eventCount }) => sum + eventCount, 0);
    this.#events = Math.max(1, Math.floor(Math.min(this.#events, events) / 4));
    const [row] = rows;
    if (rows.length > 1 || row === undefined || !/^(22|23|54)/.test(sqlState(error) ?? "")) return;
    this.#aside.add(row.pendingId);
    this.#parts.grumble.error(
      `refused ${row.pendingId}`,
      { err: error, ...describe(row) },
      "the database refuses an index to events: they are left without one",
    );
  }

  #tellMisplaced(afterGap: readonly Misplaced[], repeated: readonly Misplaced[]): void {
    const { grumble } = this.#parts;
    for (const { row, expectedPosition } of afterGap) {
      const what = "places of a chain were never noted for the log: they have no index";
      grumble.error("gap", { ...describe(row), expectedPosition }, what);
    }
    for (const { row, expectedPosition } of repeated) {
      this.#aside.add(row.pendingId);
      const what = "events were noted for the log whose places have an index: they are left aside";
      grumble.error("repeat", { ...describe(row), expectedPosition }, what);
    }
  }
}

function describe({ pendingId, correlationId, firstPosition, eventCount }: PendingRow) {
  return { pendingId, correlationId, firstPosition, eventCount };
}

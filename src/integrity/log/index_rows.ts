import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { entryOf, logSalt } from "../entry.ts";
import type { Advance } from "./log_statements.ts";
import type { PendingRow } from "./pending.ts";
import type { TreeEdge } from "./tree_edge.ts";

/** Events between two turns of the event loop: some one millisecond. */
const EVENTS_A_TURN = 500;
const SALT_BYTES = 16;

/** Makes the tree longer by these rows, in their order, and gives what is to be written. */
export async function indexRows(edge: TreeEdge, rows: readonly PendingRow[]): Promise<Advance> {
  const expectedSize = edge.size;
  const firstLogIndexes: number[] = [];
  // All at once: the source of randomness costs more for each call than for the bytes.
  const random = randomBytes(SALT_BYTES * rows.length).toString("hex");
  const salts = rows.map((_, place) => random.slice(2 * SALT_BYTES * place, 2 * SALT_BYTES * (place + 1)));
  for (const [index, row] of rows.entries()) {
    const salt = salts[index] as string;
    firstLogIndexes.push(edge.size);
    for (let place = 0; place < row.eventCount; place++) {
      const position = row.firstPosition + place;
      const eventHash = row.eventHashes.slice(64 * place, 64 * (place + 1));
      edge.append(Buffer.from(entryOf(logSalt(salt, position), position, eventHash), "hex"));
      if ((edge.size - expectedSize) % EVENTS_A_TURN === 0) await turn();
    }
  }
  const pendingIds = rows.map(({ pendingId }) => pendingId);
  const newRoot = edge.root();
  return { expectedSize, newSize: edge.size, newRoot, pendingIds, firstLogIndexes, salts, ...edge.takeChanges() };
}

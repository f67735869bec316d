/** Recorded events of one chain that have no index yet: consecutive places, of one append. */
export interface PendingRow {
  readonly pendingId: string;
  readonly correlationId: string;
  readonly firstPosition: number;
  readonly eventCount: number;
  /** Hex, 64 digits for each event. */
  readonly eventHashes: string;
  /** The place of its chain that follows the last one which has an index: 1 where none has. */
  readonly expectedPosition: number;
}

/** A row that does not follow what is in the log of its chain. */
export interface Misplaced {
  readonly row: PendingRow;
  /** The place that should have come. */
  readonly expectedPosition: number;
}

/** What is to be done with pending rows. */
export interface Sorted {
  /** To be given an index, in this order. */
  readonly next: readonly PendingRow[];
  /** Among `next`: rows before which places of their chain are missing. */
  readonly afterGap: readonly Misplaced[];
  /** Claims places that have an index already: can never be given another. */
  readonly repeated: readonly Misplaced[];
}

/**
 * Tells rows that follow what is in the log of their chain from those that do not. Appends make none of the latter: rows of one
 * chain come in the order of its places, as the chain's head is locked while they are made. Whoever has changed the table by
 * other means shall not stop the log: what follows a gap is indexed all the same.
 *
 * @param rows in the order of their ids.
 */
export function sortPending(rows: readonly PendingRow[]): Sorted {
  const expected = new Map<string, number>();
  const sorted = { next: [] as PendingRow[], afterGap: [] as Misplaced[], repeated: [] as Misplaced[] };
  for (const row of rows) {
    const expectedPosition = expected.get(row.correlationId) ?? row.expectedPosition;
    if (row.firstPosition < expectedPosition) {
      sorted.repeated.push({ row, expectedPosition });
      continue;
    }
    if (row.firstPosition > expectedPosition) sorted.afterGap.push({ row, expectedPosition });
    sorted.next.push(row);
    expected.set(row.correlationId, row.firstPosition + row.eventCount);
  }
  return sorted;
}

import { compareTable } from "./compare_table.ts";
import { findLost } from "./find_lost.ts";
import { findOutOfOrder } from "./find_out_of_order.ts";
import { type Finding, Found } from "./finding.ts";
import { Ledger } from "./ledger.ts";
import { addCounts, type Counts, NO_COUNTS, readHistory } from "./read_history.ts";

export type { Finding } from "./finding.ts";

export interface VerdictOptions {
  /** The history files of all clients. */
  readonly histories: readonly string[];
  /** The database, as one who may read audit_events. */
  readonly databaseUrl: string;
  /** For a campaign in which Valkey was wiped: events that were only ever QUEUED may be absent, and are counted apart. */
  readonly allowLostQueued?: boolean;
  /** Where each event that is lost so is named, an id a line. */
  readonly lostQueuedFile?: string;
  /** `total` is an estimate for the stage `table`. */
  readonly onProgress?: (progress: { stage: "histories" | "table"; done: number; total: number }) => void;
}

/** What the clients did, and what is stored. Numbers of events. */
export interface Totals extends Counts {
  /** Rows of audit_events. */
  readonly stored: number;
}

/** Whether what the clients were told is what the database holds. */
export interface Verdict {
  /** No finding but lostQueued. */
  readonly clean: boolean;
  readonly totals: Totals;
  /** Acknowledged and absent, at the end or when it was read right after. */
  readonly lost: Finding;
  /** Acknowledged as QUEUED alone and absent, where that is allowed; 0 otherwise. */
  readonly lostQueued: Finding;
  /** An id that stands more than once in audit_events. */
  readonly duplicated: Finding;
  /** In audit_events, and no client sent it. */
  readonly unexpected: Finding;
  /** Acknowledged on one stream, of one correlation, and at an earlier place than one sent before it. */
  readonly outOfOrder: Finding;
  /** Stored with other content than was sent, or answered as it must not be. */
  readonly conflicting: Finding;
  /** Ids that clients sent again with other content: only these may be dead letters for a conflict. */
  readonly twinIds: ReadonlySet<string>;
}

/**
 * Compares histories with the database. Faults in chains are not its matter: see `datastorage fsck`. Takes some twenty bytes of
 * memory an event.
 *
 * @throws Error when a history contradicts itself, and what reading the database fails with.
 */
export async function verdict(options: VerdictOptions): Promise<Verdict> {
  const { histories, databaseUrl, allowLostQueued = false, lostQueuedFile, onProgress = () => {} } = options;
  const ledger = new Ledger();
  const lost = new Found();
  const conflicting = new Found();
  let counts = NO_COUNTS;
  const twinIds = new Set<string>();
  for (const [index, path] of histories.entries()) {
    onProgress({ stage: "histories", done: index, total: histories.length });
    const told = await readHistory(path, ledger, { lost, conflicting }, allowLostQueued);
    counts = addCounts(counts, told.counts);
    for (const id of told.twinIds) twinIds.add(id);
  }
  const { stored, duplicated, unexpected } = await compareTable(databaseUrl, ledger, conflicting, (done) =>
    onProgress({ stage: "table", done, total: counts.sent }),
  );
  const lostQueued = findLost(ledger, lost, allowLostQueued, lostQueuedFile);
  const findings = { lost, duplicated, unexpected, outOfOrder: findOutOfOrder(ledger), conflicting };
  return {
    clean: Object.values(findings).every(({ count }) => count === 0),
    totals: { ...counts, stored },
    ...findings,
    lostQueued,
    twinIds,
  };
}

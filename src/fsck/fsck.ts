import { Snapshot } from "../postgres/snapshot.ts";
import { checkChains } from "./chains.ts";
import type { CheckContext } from "./check.ts";
import type { CheckName, CheckSummary, FaultKind, Note, StoreFault } from "./findings.ts";
import { checkHeads } from "./heads.ts";
import { checkIds } from "./ids.ts";
import { checkLog, type Outside } from "./log/check_log.ts";
import { checkPartitions } from "./partitions.ts";
import { checkQueue } from "./queue/check_queue.ts";
import { checkSchema, hasTable } from "./schema.ts";

/** How far a check is. */
export interface FsckProgress {
  readonly check: CheckName;
  /** How many were looked at. */
  readonly done: number;
  /** How many there are; undefined where that is not known before the end. */
  readonly total: number | undefined;
}

export interface FsckOptions {
  readonly databaseUrl: string;
  /** Absent: the queue is not checked. */
  readonly valkeyUrl?: string | undefined;
  /** Chains and heads of this correlation alone. */
  readonly correlationId?: string | undefined;
  /** Months after the current one that should have a partition. */
  readonly monthsAhead: number;
  /** Days of the past within which a month has a partition as soon as it has events. */
  readonly retentionDays: number;
  /** What the log is held against that does not come from the database. */
  readonly outside?: Outside | undefined;
  /** Told of each fault as it is found, and waited for. */
  readonly onFault: (fault: StoreFault) => void | Promise<void>;
  readonly onProgress?: (progress: FsckProgress) => void;
  readonly signal?: AbortSignal;
  readonly now?: () => Date;
}

export interface FsckSummary {
  /** Faults of all checks. */
  readonly faults: number;
  readonly checks: readonly CheckSummary[];
  readonly notes: readonly Note[];
}

/**
 * Checks the store against itself and changes nothing. A service may be writing meanwhile: the database is looked at as it
 * was at one moment. Its cost is that of reading everything once; memory does not grow with the store.
 *
 * @throws what connecting and reading fail with, and the signal's reason. A fault of the store is never thrown.
 */
export async function fsck(options: FsckOptions): Promise<FsckSummary> {
  const snapshot = await Snapshot.open({
    url: options.databaseUrl,
    applicationName: "datastorage fsck",
    statementTimeoutMs: 0,
    signal: options.signal,
  });
  try {
    return await new Run(options, snapshot).all();
  } finally {
    await snapshot.close();
  }
}

/** One run over all checks. */
class Run {
  readonly #options: FsckOptions;
  readonly #snapshot: Snapshot;
  readonly #checks: CheckSummary[] = [];
  readonly #notes: Note[] = [];

  constructor(options: FsckOptions, snapshot: Snapshot) {
    this.#options = options;
    this.#snapshot = snapshot;
  }

  async all(): Promise<FsckSummary> {
    const { valkeyUrl, signal, correlationId, monthsAhead, retentionDays, now = () => new Date() } = this.#options;
    const wanted = { monthsAhead, retentionDays, now: now() };
    await this.#check("schema", "migrations", checkSchema);
    if (await hasTable(this.#snapshot, "audit_events")) {
      if (valkeyUrl === undefined) this.#skip("queue", "not checked: there is no VALKEY_URL");
      else await this.#check("queue", "entries", (context) => checkQueue(context, valkeyUrl, signal));
      await this.#check("partitions", "partitions", (context) => checkPartitions(context, wanted));
      await this.#check("ids", "ids", checkIds);
      await this.#check("chains", "events", (context) => checkChains(context, correlationId), await this.#events());
      await this.#check("heads", "heads", (context) => checkHeads(context, correlationId));
      if (correlationId !== undefined) this.#skip("log", "not checked for one correlation alone");
      else if (await hasTable(this.#snapshot, "audit_log_state")) await this.#checkLog();
    }
    const faults = this.#checks.reduce((sum, check) => sum + check.faults, 0);
    return { faults, checks: this.#checks, notes: this.#notes };
  }

  async #checkLog(): Promise<void> {
    const [row] = await this.#snapshot.all<{ size: string }>("SELECT size FROM audit_log_state");
    const { outside = {} } = this.#options;
    await this.#check("log", "entries", (context) => checkLog(context, outside), Number(row?.size ?? 0));
  }

  async #events(): Promise<number | undefined> {
    if (this.#options.correlationId !== undefined) return undefined;
    const [row] = await this.#snapshot.all<{ events: string }>("SELECT count(*) AS events FROM audit_events");
    return Number(row?.events);
  }

  #skip(check: CheckName, skipped: string): void {
    this.#checks.push({ check, checked: 0, unit: "", faults: 0, seconds: 0, skipped });
  }

  async #check<Check extends CheckName>(
    check: Check,
    unit: string,
    run: (context: CheckContext<Check>) => Promise<number>,
    total?: number,
  ): Promise<void> {
    const { onFault, onProgress } = this.#options;
    const begun = performance.now();
    let faults = 0;
    const report = {
      fault: async (kind: FaultKind<Check>, evidence: object) => {
        faults++;
        await onFault({ check, kind, ...evidence });
      },
      note: (text: string) => void this.#notes.push({ check, text }),
      progress: (done: number) => onProgress?.({ check, done, total }),
    };
    onProgress?.({ check, done: 0, total });
    const checked = await run({ snapshot: this.#snapshot, report });
    this.#checks.push({ check, checked, unit, faults, seconds: (performance.now() - begun) / 1000 });
  }
}

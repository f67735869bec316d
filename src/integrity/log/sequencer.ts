import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { Bell } from "../../bell.ts";
import { Fault } from "../../fault.ts";
import type { Database } from "../../postgres/database.ts";
import { classifyError } from "../../postgres/errors.ts";
import type { Logger } from "../../telemetry/logs.ts";
import type { Sealer } from "../sealing/sealer.ts";
import { Grumble } from "./grumble.ts";
import { LogHolder } from "./log_holder.ts";
import { logState } from "./log_reader.ts";
import { type Backlog, type Look, look, readBacklog, readState } from "./log_statements.ts";

/** Milliseconds between two looks of the holder: what other processes record is found by them. */
const HOLDER_MS = 50;
/** The same once nothing was recorded for so long: an idle log costs next to nothing. */
const IDLE_MS = 200;
const IDLE_AFTER_MS = 10_000;
/** Milliseconds between two looks of the others, and after an error. */
const OTHERS_MS = 1_000;
/** Milliseconds between two looks at the backlog. */
const BACKLOG_MS = 1_000;
/** Milliseconds between two rounds, in which is gathered what is recorded: nine times what the last took, within these bounds. */
const GATHER_MS = 20;
const GATHER_MOST_MS = 200;
/** At most, where looking alone takes long: a long transaction keeps what was indexed from being cleared away, and each look passes it. */
const SLOW_LOOK_MOST_MS = 5_000;
/** Trouble with the database is told when it has lasted so long: of outages the writer tells. */
const TROUBLE_MS = 5_000;
/** Milliseconds for what was recorded last to be indexed and signed at the end. */
const LAST_MS = 1_000;

export interface SequencerParts {
  /** One connection; the lock is bound to it. Its idle_session_timeout ends the hold of a process that has stopped. */
  readonly database: Database;
  readonly sealer: Pick<Sealer, "status" | "takeOver" | "seal" | "watch" | "release">;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** So many events have got an index, in so many seconds; the log has come to `size`. */
  readonly onAdvanced: (events: number, seconds: number, size: number) => void;
  /** The log is shorter than it was: the database was restored. */
  readonly onShrunk: () => void;
  /** Milliseconds between two looks of a process that waits, and after an error; default 1,000. */
  readonly othersMs?: number | undefined;
}

/** How the log stands, as this process saw it last. */
export interface Standing extends Backlog {
  /** Whether this process is the one that indexes. */
  readonly holding: boolean;
  readonly size: number;
  readonly publishedSize: number;
}

const UNSEEN: Standing = {
  holding: false,
  size: 0,
  publishedSize: 0,
  pendingEvents: 0,
  oldestPendingS: 0,
  oldestTransactionS: 0,
};

/**
 * Gives every recorded event its index in the log, in whichever of any number of processes has the lock. It never stops for
 * good: what fails is tried again from what the database holds.
 */
export class Sequencer {
  readonly #parts: SequencerParts;
  readonly #othersMs: number;
  readonly #grumble: Grumble;
  readonly #holder: LogHolder;
  readonly #bell = new Bell();
  #standing = UNSEEN;
  #living: Promise<void> | undefined;
  /** The server's process that has the lock for us. */
  #heldBy: number | undefined;
  #watching = false;
  #troubleSince: number | undefined;
  #backlogAt = 0;
  /** When something was last found to have no index. */
  #busyAt = 0;
  #lookMs = 0;
  readonly #ending = new AbortController();
  #stopped = false;
  #deadline = Number.POSITIVE_INFINITY;

  constructor(parts: SequencerParts) {
    this.#parts = parts;
    this.#othersMs = parts.othersMs ?? OTHERS_MS;
    this.#grumble = new Grumble(parts.log);
    this.#holder = new LogHolder({ ...parts, grumble: this.#grumble });
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** The schema is there. */
  begin(): void {
    if (!this.#stopped) this.#living ??= this.#live();
  }

  /** This process has recorded events. */
  recorded(): void {
    if (this.#heldBy !== undefined) this.#bell.ring();
  }

  /** Indexes and signs what was recorded, as far as a second allows; then it is over, whatever the database does. */
  async close(): Promise<void> {
    this.#stopped = true;
    this.#deadline = performance.now() + LAST_MS;
    this.#ending.abort();
    this.#bell.ring();
    const bound = new AbortController();
    const late = delay(LAST_MS, undefined, { signal: bound.signal }).catch(() => {});
    await Promise.race([this.#living, late]);
    bound.abort();
  }

  async #live(): Promise<void> {
    while (!this.#stopped) {
      const started = performance.now();
      const pause = await this.#round().catch((error: unknown) => this.#failed(error));
      await this.#rest(pause, performance.now() - started);
    }
    await this.#finish().catch(() => {});
  }

  /** Looks, and does what there is to do. Gives the milliseconds to rest. */
  async #round(): Promise<number> {
    const seen = await this.#look();
    if (!seen.holding) {
      void this.#watch();
      return this.#othersMs;
    }
    if (!(await this.#holder.ready(seen))) return this.#othersMs;
    const more = seen.pending && (await this.#holder.index());
    // Witnesses may take a while; nothing waits for them.
    void this.#holder.seal();
    if (more) return 0;
    if (seen.pending) this.#busyAt = performance.now();
    return performance.now() - this.#busyAt < IDLE_AFTER_MS ? HOLDER_MS : IDLE_MS;
  }

  async #look(): Promise<Look> {
    const { database, log, onShrunk } = this.#parts;
    const started = performance.now();
    const seen = await database.run((sql) => look(sql, this.#heldBy));
    // The first over a connection took the time to connect as well.
    this.#lookMs = seen.pid === this.#heldBy ? performance.now() - started : 0;
    const heldBy = seen.holding ? seen.pid : undefined;
    if (heldBy !== this.#heldBy) {
      if (this.#heldBy !== undefined) this.#holder.giveUp();
      if (heldBy !== undefined) this.#holder.begin();
      log.info(
        { size: seen.size },
        heldBy === undefined ? "another process indexes the log" : "this process indexes the log",
      );
    }
    this.#heldBy = heldBy;
    this.#troubleSince = undefined;
    if (seen.size < this.#standing.size) onShrunk();
    const { holding, size, publishedSize } = seen;
    this.#standing = { ...this.#standing, holding, size, publishedSize };
    await this.#readBacklog();
    return seen;
  }

  /** Reads every pending row: not so often that it is a burden where there are very many. */
  async #readBacklog(): Promise<void> {
    const started = performance.now();
    if (started < this.#backlogAt) return;
    const backlog = await this.#parts.database.run(readBacklog);
    this.#standing = { ...this.#standing, ...backlog };
    const took = performance.now() - started;
    this.#backlogAt = started + Math.max(BACKLOG_MS, 20 * took);
  }

  /** What the sealer of a process does that is not the one to seal. */
  async #watch(): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    try {
      const row = await this.#parts.database.run(readState);
      if (row !== undefined) await this.#parts.sealer.watch(logState(row));
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#watching = false;
    }
  }

  async #rest(pause: number, tookMs: number): Promise<void> {
    if (this.#stopped) return;
    if (pause === 0) return turn();
    const gather = Math.max(
      GATHER_MS,
      Math.min(GATHER_MOST_MS, 9 * tookMs),
      Math.min(SLOW_LOOK_MOST_MS, 4 * this.#lookMs),
    );
    await delay(gather, undefined, { signal: this.#ending.signal }).catch(() => {});
    if (!this.#stopped) await this.#bell.wait(Math.max(0, pause - gather));
  }

  #failed(error: unknown): number {
    this.#holder.giveUp();
    this.#standing = { ...this.#standing, holding: false };
    if (!isWaitedOut(error)) {
      this.#grumble.error("defect", { err: error }, "the log cannot go on; it is tried again every second");
      // What is refused for good is soon told from the rest by trying less and less.
      return classifyError(error) === "permanent" ? HOLDER_MS : this.#othersMs;
    }
    this.#troubleSince ??= performance.now();
    if (performance.now() - this.#troubleSince > TROUBLE_MS) {
      this.#grumble.warn("trouble", { err: error }, "the log waits for the database");
    }
    return HOLDER_MS + (this.#othersMs - HOLDER_MS) * Math.random();
  }

  /** The last events of this process, as long as it is the one to index. */
  async #finish(): Promise<void> {
    const inTime = () => performance.now() < this.#deadline;
    for (let more = this.#heldBy !== undefined; more && inTime(); ) {
      const seen = await this.#look();
      if (!seen.holding || !(await this.#holder.ready(seen))) return;
      const indexed = !seen.pending || !(await this.#holder.index());
      await this.#holder.seal();
      more = !indexed || seen.pending || (this.#parts.sealer.status === "signing" && seen.publishedSize < seen.size);
      if (more && indexed) await delay(HOLDER_MS);
    }
  }
}

/** Whether an error of the database passes by waiting. */
function isWaitedOut(error: unknown): boolean {
  if (error instanceof Fault) return error.kind === "unavailable";
  const kind = classifyError(error);
  return kind === "transient" || kind === "again";
}

import type { QueueAppender } from "../audit/append/queue_appender.ts";
import { Bell } from "../bell.ts";
import { failpoint } from "../failpoint.ts";
import { Fault } from "../fault.ts";
import type { Logger } from "../telemetry/logs.ts";
import { Breaker, type BreakerState } from "./breaker.ts";
import type { DrainObserver } from "./drain_observer.ts";
import { Lease } from "./lease.ts";
import { Progress } from "./progress.ts";
import { type EntryPlace, Fenced, type QueueStore } from "./queue_store.ts";
import { Tenure } from "./tenure.ts";

/** Milliseconds between two tries to become the drainer; varied by a quarter. */
const CONTEND_MS = 1_000;
/** Milliseconds for the append under way when the drainer is stopped. */
const STOP_MS = 5_000;
const LEASE_TTL_MS = 5_000;
/** Milliseconds of silence after a complaint: what cannot go on for one reason is tried again and again. */
const QUIET_MS = 60_000;

export interface DrainerParts {
  readonly store: QueueStore;
  readonly appender: QueueAppender;
  /** Names this process among those that drain. */
  readonly owner: string;
  /** Tries of an entry that the database refuses before its events are tried one by one. */
  readonly tries: number;
  /** Milliseconds to wait after the first of them; doubled with each, at most a minute. */
  readonly retryWaitMs: number;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  readonly observer: DrainObserver;
  /** Entries of the queue are stored, or have become dead letters. */
  readonly onSettled: (entries: readonly EntryPlace[]) => void;
  /** Milliseconds for which the lease is kept without being renewed; default 5,000. */
  readonly leaseTtlMs?: number;
}

export interface DrainerStatus {
  readonly breaker: BreakerState;
  /** Whether this process is the one that drains. */
  readonly draining: boolean;
  /** Entries that wait for their next try, as far as this process knows. */
  readonly waiting: number;
}

/** Stores what waits in the queue, whenever this process is the one to do it. */
export interface Drainer {
  readonly breaker: BreakerState;
  status(): DrainerStatus;
  /** This process has queued something. */
  wake(): void;
  /** Ends it, after the append under way if that takes no longer than so (5 s). What is left stays for the next process. */
  stop(timeoutMs?: number): Promise<void>;
}

export function startDrainer(parts: DrainerParts): Drainer {
  return new RunningDrainer(parts);
}

class RunningDrainer implements Drainer {
  readonly #parts: DrainerParts;
  readonly #breaker: Breaker;
  readonly #lease: Lease;
  readonly #leaseTtlMs: number;
  readonly #progress: Progress;
  readonly #bell = new Bell();
  readonly #living: Promise<void>;
  #tenure: Tenure | undefined;
  /** Until when each complaint is not told again. */
  readonly #quietUntil = new Map<string, number>();
  #stopped = false;

  constructor(parts: DrainerParts) {
    const { store, appender, owner, log, observer } = parts;
    this.#parts = parts;
    this.#leaseTtlMs = parts.leaseTtlMs ?? LEASE_TTL_MS;
    this.#lease = new Lease(store, owner, this.#leaseTtlMs);
    this.#progress = new Progress({ log, left: () => entriesOf(store) });
    this.#breaker = new Breaker({ onChange: (state, cause) => this.#breakerChanged(state, cause) });
    observer.breaker(this.#breaker.state);
    appender.onAvailable(() => {
      if (!appender.available) return;
      this.#breaker.nudge();
      this.#tenure?.wake();
      this.#bell.ring();
    });
    store.onTakes((takes) => takes && this.#bell.ring());
    this.#living = this.#live();
  }

  get breaker(): BreakerState {
    return this.#breaker.state;
  }

  status(): DrainerStatus {
    return {
      breaker: this.breaker,
      draining: this.#tenure !== undefined,
      waiting: this.#tenure?.waiting ?? 0,
    };
  }

  wake(): void {
    this.#tenure?.wake();
  }

  async stop(timeoutMs = STOP_MS): Promise<void> {
    this.#stopped = true;
    this.#tenure?.end();
    this.#bell.ring();
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#living, bound]);
    clearTimeout(timer);
    await this.#lease.release();
  }

  async #live(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.#parts.appender.available) await this.#contend();
      } catch (error) {
        this.#explain(error);
      }
      if (!this.#stopped) await this.#bell.wait(CONTEND_MS * (0.75 + Math.random() / 2));
    }
  }

  /** Drains for as long as this process is the one to do it. */
  async #contend(): Promise<void> {
    if (this.#breaker.pauseMs() > 0) return;
    let lost = false;
    const onLost = () => {
      lost = true;
      this.#tenure?.end();
    };
    if (!(await this.#lease.take(onLost))) return;
    failpoint("drain.lease");
    try {
      const { epoch = "" } = this.#parts.store;
      const fence = await this.#takeFence(epoch);
      if (fence === undefined || lost || this.#stopped) return;
      this.#tenure = new Tenure({
        ...this.#parts,
        epoch,
        fence,
        patienceMs: 2 * this.#leaseTtlMs,
        breaker: this.#breaker,
        progress: this.#progress,
        complain: (error, message) => this.#complain(error, message),
      });
      await this.#tenure.run();
    } finally {
      this.#tenure = undefined;
      await this.#lease.release();
    }
    if (lost) this.#parts.log.warn({}, "this process no longer drains the queue: it has lost the lease");
  }

  async #takeFence(epoch: string): Promise<bigint | undefined> {
    const { appender, log, observer } = this.#parts;
    try {
      const { fence, previousEpoch } = await appender.takeFence(epoch);
      failpoint("drain.fence");
      if (previousEpoch !== undefined && previousEpoch !== epoch) {
        observer.replaced();
        log.error({ epoch, previous_epoch: previousEpoch }, REPLACED);
      }
      return fence;
    } catch (error) {
      this.#breaker.failed(error);
      return undefined;
    }
  }

  #breakerChanged(state: BreakerState, cause: unknown): void {
    const { log, observer } = this.#parts;
    observer.breaker(state);
    if (state === "closed") log.info({}, "the database takes what waits in the queue again");
    if (state === "open") this.#complain(cause, "the database is away; what waits in the queue stays there");
  }

  /** Why it could not go on. That Valkey is away is told by those who watch it. */
  #explain(error: unknown): void {
    if (this.#stopped || (error instanceof Fault && error.kind === "unavailable")) return;
    if (error instanceof Fenced) this.#parts.log.warn({ err: error }, "this process no longer drains the queue");
    else this.#complain(error, "the queue could not be drained; trying again");
  }

  #complain(error: unknown, message: string): void {
    const now = performance.now();
    if (this.#stopped || now < (this.#quietUntil.get(message) ?? now)) return;
    this.#quietUntil.set(message, now + QUIET_MS);
    this.#parts.log.error({ err: error }, message);
  }
}

const REPLACED =
  "Valkey is not the one that this queue was drained from last: it was wiped or replaced, and what was QUEUED in the other one " +
  "and not yet stored is not here";

function entriesOf(store: QueueStore): number {
  return Object.values(store.depth()).reduce((sum, { entries }) => sum + entries, 0);
}

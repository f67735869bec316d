import type { Outcome } from "../audit/append/outcome.ts";
import type { AppendEnd, QueueAppender } from "../audit/append/queue_appender.ts";
import type { PreparedEvent } from "../audit/prepare.ts";
import { Bell } from "../bell.ts";
import { nowMs } from "../clock.ts";
import { failpoint } from "../failpoint.ts";
import type { Logger } from "../telemetry/logs.ts";
import { backoffMs } from "./backoff.ts";
import type { Breaker } from "./breaker.ts";
import type { DrainObserver } from "./drain_observer.ts";
import type { StreamName } from "./keys.ts";
import type { Progress } from "./progress.ts";
import { type EntryPlace, Fenced, type QueueStore } from "./queue_store.ts";
import { type QueuedEntry, runsOfDistinctIds } from "./queued_entry.ts";
import { ReadAhead } from "./read_ahead.ts";
import { judge, judgeUnreadable, type Verdict } from "./verdict.ts";
import { Window } from "./window.ts";

/** Events and bytes of one append at most. */
const APPEND_EVENTS = 1000;
const APPEND_BYTES = 4 * 2 ** 20;
/** Milliseconds between two looks at a queue that was empty; varied by a quarter. */
const IDLE_MS = 150;
/** Milliseconds to the next try of an entry at most. */
const LONGEST_WAIT_MS = 60_000;
/** Milliseconds to the next look whether dead letters have room. */
const FULL_WAIT_MS = 2_000;
/** Milliseconds between appends at first and at most, while each meets a defect. */
const FIRST_DEFECT_MS = 50;
const LONGEST_DEFECT_MS = 5_000;

export interface TenureParts {
  readonly store: Pick<QueueStore, "epoch" | "claim" | "read" | "reread" | "settle" | "noteTries" | "bury">;
  readonly appender: Pick<QueueAppender, "append" | "available">;
  readonly breaker: Breaker;
  readonly progress: Progress;
  readonly owner: string;
  /** The number by which the database knows the drainer. */
  readonly fence: bigint;
  /** Names the queue that the lease was taken of. */
  readonly epoch: string;
  /** Milliseconds of an outage after which another process, which may reach the database, has its turn. */
  readonly patienceMs: number;
  /** Tries of an entry that the database refuses before its events are tried one by one. */
  readonly tries: number;
  /** Milliseconds to wait after the first of them. */
  readonly retryWaitMs: number;
  readonly log: Pick<Logger, "warn" | "error">;
  readonly observer: DrainObserver;
  /** Entries have left the queue. */
  readonly onSettled: (entries: readonly EntryPlace[]) => void;
  readonly complain: (error: unknown, message: string) => void;
}

/**
 * One time of being the drainer: from taking the lease to losing it. What it knows of the queue is forgotten with it.
 *
 * Entries are appended, then settled: a crash between the two has them appended again, where each event is known by its id.
 * Every change of the queue is refused once another process drains, and so is every append.
 */
export class Tenure {
  readonly #parts: TenureParts;
  readonly #window: Window<QueuedEntry>;
  readonly #reader: ReadAhead;
  readonly #work = new Bell();
  readonly #reading = new Bell();
  /** Streams without room for another dead letter, and the entry each stopped at. */
  readonly #full = new Map<StreamName, number>();
  /** Appends in a row that met a defect, and when the next may be made, by performance.now(). */
  #defects = 0;
  #notBefore = 0;
  #underWay = false;
  /** Entries of the next append at most: one after a failure that was nobody's own, and twice as many with each success. */
  #mostEntries: number;
  /** Since when the database is away, by performance.now(). */
  #awaySince = Number.POSITIVE_INFINITY;
  #over = false;

  constructor(parts: TenureParts) {
    this.#parts = parts;
    this.#mostEntries = parts.breaker.state === "closed" ? Number.POSITIVE_INFINITY : 1;
    this.#window = new Window((entry) => this.#reader.unload(entry));
    const onClaimed = (stream: StreamName, entries: number) => parts.observer.claimed(stream, entries);
    this.#reader = new ReadAhead(this.#window, { store: parts.store, owner: parts.owner, onClaimed });
  }

  /** Entries that wait for their next try. */
  get waiting(): number {
    return this.#window.waiting;
  }

  /** Something was queued, or the database is back. */
  wake(): void {
    this.#work.ring();
    this.#reading.ring();
  }

  /** Ends it after the append under way. */
  end(): void {
    this.#over = true;
    this.wake();
  }

  /**
   * Drains until it is ended.
   *
   * @throws Fenced when another process has taken over, Fault when Valkey is away.
   */
  async run(): Promise<void> {
    const ended = (error: unknown) => {
      this.end();
      throw error;
    };
    const loops = await Promise.allSettled([this.#keepReading().catch(ended), this.#keepStoring().catch(ended)]);
    for (const stream of this.#full.keys()) this.#parts.observer.deadLettersFull(stream, false);
    for (const loop of loops) if (loop.status === "rejected") throw loop.reason;
  }

  async #keepReading(): Promise<void> {
    while (!this.#over) {
      if (!this.#reader.hasRoom) {
        await this.#reading.wait(Number.POSITIVE_INFINITY);
        continue;
      }
      const found = await this.#reader.page();
      const { store, epoch } = this.#parts;
      // Valkey has lost something and is back; what is known of the queue no longer holds.
      if (store.epoch !== epoch) throw new Fenced("the queue is another one now");
      if (found) {
        this.#work.ring();
        continue;
      }
      if (this.#window.size === 0 && !this.#underWay) this.#parts.progress.idle();
      await this.#reading.wait(IDLE_MS * (0.75 + Math.random() / 2));
    }
  }

  async #keepStoring(): Promise<void> {
    while (!this.#over) {
      const pause = Math.max(this.#parts.breaker.pauseMs(), this.#notBefore - performance.now());
      if (pause > 0) {
        if (this.#hasNoPatience()) return this.end();
        await this.#work.wait(pause);
        continue;
      }
      this.#window.release(performance.now());
      const draft = await this.#gather();
      this.#underWay = draft.length > 0;
      if (this.#underWay) await this.#store(draft);
      else if (this.#window.ready === 0) await this.#work.wait(this.#window.nextRelease - performance.now());
      this.#underWay = false;
      this.#reading.ring();
    }
  }

  #hasNoPatience(): boolean {
    const { appender, patienceMs } = this.#parts;
    return !appender.available && performance.now() - this.#awaySince > patienceMs;
  }

  /** The lowest entries that may go, as many as one append holds. */
  async #gather(): Promise<QueuedEntry[]> {
    let [entries, events, bytes] = [0, 0, 0];
    let company = this.#mostEntries;
    const taken = this.#window.take((entry) => {
      company = Math.min(company, entry.company);
      const fits = events + entry.eventCount <= APPEND_EVENTS && bytes + entry.bytes <= APPEND_BYTES;
      if (entries > 0 && (entries >= company || !fits)) return false;
      entries++;
      events += entry.eventCount;
      bytes += entry.bytes;
      return true;
    });
    const there = await Promise.all(taken.map((entry) => this.#reader.reload(entry)));
    const missing = taken.filter((_, index) => !there[index]);
    if (missing.length > 0) this.#gone(missing);
    return taken.filter((_, index) => there[index]);
  }

  async #store(draft: readonly QueuedEntry[]): Promise<void> {
    const [first] = draft as [QueuedEntry];
    if (first.unreadable !== undefined) return this.#bury(first, judgeUnreadable(first, timestamp()));
    failpoint("drain.append");
    const outcomes = new Map<PreparedEvent, Outcome>();
    const end = await this.#append(draft, outcomes);
    failpoint("drain.appended");
    const { breaker } = this.#parts;
    if (end.end === "away") {
      breaker.failed(end.cause);
      this.#mostEntries = 1;
      this.#awaySince = Math.min(this.#awaySince, performance.now());
      this.#window.giveBack(draft);
      return;
    }
    if (end.end === "fenced") throw new Fenced("another process drains the queue now");
    breaker.succeeded();
    this.#mostEntries *= 2;
    this.#awaySince = Number.POSITIVE_INFINITY;
    if (end.end === "defect") return this.#leaveToOperator(draft, end.cause);
    this.#defects = 0;
    if (end.end === "refused") return this.#blame(draft, end.detail);
    return this.#settle(draft, outcomes);
  }

  async #append(draft: readonly QueuedEntry[], outcomes: Map<PreparedEvent, Outcome>): Promise<AppendEnd> {
    const [first] = draft as [QueuedEntry];
    const events = draft.flatMap((entry) => entry.events ?? []);
    const split = draft.length === 1 && (first.tries?.tries ?? 0) >= this.#parts.tries;
    for (const run of runsOfDistinctIds(events)) {
      const settle = (event: PreparedEvent, outcome: Outcome) => void outcomes.set(event, outcome);
      const end = await this.#parts.appender.append(this.#parts.fence, run, settle, { split });
      if (end.end !== "done") return end;
    }
    if (outcomes.size === events.length) return { end: "done" };
    return { end: "defect", cause: new Error("an append left events unsettled") };
  }

  /** Lets go what is stored, and makes dead letters of what never will be. */
  async #settle(draft: readonly QueuedEntry[], outcomes: ReadonlyMap<PreparedEvent, Outcome>): Promise<void> {
    const verdicts = draft.map((entry) => ({ entry, verdict: judge(entry, outcomes, timestamp()) }));
    const stored = verdicts.filter(({ verdict }) => verdict.letters.length === 0).map(({ entry }) => entry);
    if (stored.length > 0) {
      await this.#parts.store.settle(this.#parts.owner, stored);
      failpoint("drain.settled");
      this.#gone(stored);
    }
    for (const { entry, verdict } of verdicts) if (verdict.letters.length > 0) await this.#bury(entry, verdict);
  }

  async #bury(entry: QueuedEntry, { letters, reasons }: Verdict): Promise<void> {
    const { store, owner, observer, log } = this.#parts;
    const { stream, sequence } = entry;
    failpoint("drain.bury");
    const answer = await store.bury(owner, entry, letters);
    failpoint("drain.buried");
    if (answer === "full") return this.#stop(entry);
    for (const reason of new Set(reasons)) {
      const count = reasons.filter((one) => one === reason).length;
      observer.deadLetters(stream, reason, count);
      log.warn({ stream, entry: sequence, reason, events: count }, "events became dead letters");
    }
    this.#gone([entry]);
  }

  /** There is no room for another dead letter: nothing is dropped, so the stream waits until somebody has made room. */
  #stop(entry: QueuedEntry): void {
    const { stream, sequence } = entry;
    if (!this.#full.has(stream)) {
      this.#parts.observer.deadLettersFull(stream, true);
      this.#parts.log.error({ stream, entry: sequence }, "dead letters are full: the stream is not drained further");
    }
    this.#full.set(stream, Math.min(sequence, this.#full.get(stream) ?? sequence));
    entry.company = 1;
    this.#window.stop(stream, sequence);
    this.#window.hold(entry, performance.now() + FULL_WAIT_MS);
  }

  /** Entries have left the queue. */
  #gone(entries: readonly QueuedEntry[]): void {
    for (const { stream, sequence } of entries) if (this.#full.get(stream) === sequence) this.#goOn(stream);
    this.#parts.onSettled(entries);
    this.#parts.progress.drained(
      entries.length,
      entries.reduce((sum, { eventCount }) => sum + eventCount, 0),
    );
    for (const entry of entries) this.#reader.unload(entry);
  }

  #goOn(stream: StreamName): void {
    this.#full.delete(stream);
    this.#window.resume(stream);
    this.#parts.observer.deadLettersFull(stream, false);
    this.#parts.log.warn({ stream }, "the stream that stopped for want of room for dead letters goes on");
  }

  /** The database refuses something of these: of several, halves are tried until it is known whose failure it is. */
  async #blame(draft: readonly QueuedEntry[], detail: string): Promise<void> {
    if (this.#halve(draft)) return;
    const { store, owner, tries: mostTries, retryWaitMs, observer } = this.#parts;
    const [entry] = draft as [QueuedEntry];
    const tries = (entry.tries?.tries ?? 0) + 1;
    entry.company = 1;
    entry.tries = { tries, firstFailed: entry.tries?.firstFailed ?? timestamp(), lastError: detail };
    await store.noteTries(owner, entry, entry.tries);
    failpoint("drain.tried");
    observer.retried(entry.stream);
    if (tries >= mostTries) this.#window.giveBack(draft);
    else this.#window.hold(entry, performance.now() + backoffMs(tries, retryWaitMs, LONGEST_WAIT_MS));
  }

  /** Nobody is to blame but the schema or this program: the entry waits, and its tries are not counted. */
  #leaveToOperator(draft: readonly QueuedEntry[], cause: unknown): void {
    const { complain, retryWaitMs } = this.#parts;
    complain(cause, "the database refuses to append what waits in the queue; an operator must look");
    this.#notBefore = performance.now() + backoffMs(++this.#defects, FIRST_DEFECT_MS, LONGEST_DEFECT_MS);
    if (!this.#halve(draft)) {
      const [entry] = draft as [QueuedEntry];
      entry.company = 1;
      // Behind the pause: the others have their turn first.
      this.#window.hold(entry, this.#notBefore + backoffMs(++entry.defects, retryWaitMs, LONGEST_WAIT_MS));
    }
  }

  #halve(draft: readonly QueuedEntry[]): boolean {
    if (draft.length === 1) return false;
    for (const entry of draft) entry.company = Math.ceil(draft.length / 2);
    this.#window.giveBack(draft);
    return true;
  }
}

function timestamp(): string {
  return new Date(nowMs()).toISOString();
}

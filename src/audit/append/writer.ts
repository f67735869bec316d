import { Fault } from "../../fault.ts";
import type { PreparedEvent } from "../prepare.ts";
import { unavailable } from "./appender.ts";
import type { Outcome } from "./outcome.ts";
import { AppendDraft, type BatchResult, CallerQueue, type Item } from "./queue.ts";

/** Appends the events of one draft and settles each; throws a Fault where the fate of those not settled is unknown. */
export type RunAppend = (
  lane: number,
  events: readonly PreparedEvent[],
  settle: (event: PreparedEvent, outcome: Outcome) => void,
  callers: readonly CallerQueue[],
) => Promise<void>;

export interface WriterOptions {
  /** Appends at once; each has a connection of its own. */
  readonly lanes: number;
  /** Events and bytes of one append at most. */
  readonly appendEvents: number;
  readonly appendBytes: number;
  /** Milliseconds that a lone event waits for company. */
  readonly lingerMs: number;
  /** Events and bytes that wait or are being appended, over all callers. */
  readonly pendingEvents: number;
  readonly pendingBytes: number;
}

/**
 * One caller may fill the bounds divided by this: enough for the appends under way and the next ones, and little enough that
 * the garbage collector does not copy a long queue again and again.
 */
const CALLER_SHARE = 10;
/** Who sends no more events than this at once waits for the answer, and not for a rate. */
const SMALL_BATCH = 10;
/** While small batches come in among large ones, appends hold their bound divided by this: what is small waits for what runs. */
const SHORT_APPENDS = 4;
/** Milliseconds for which a caller that sent something counts among those who share the lanes. */
const CALLER_ACTIVE_MS = 1000;
/** The part of the bounds that streams, which can wait, leave to calls, which cannot: the rest. */
const STREAMS_SHARE = 0.75;
/** Milliseconds after which a caller that was refused for lack of room should try again. */
const FULL_RETRY_MS = 250;

/**
 * Gathers the events of all callers into appends of a good size and runs several of them at once.
 *
 * - Order: the events of one correlation are never in two appends at once, and within a caller they keep their order.
 * - Fairness: every caller with waiting events has its share of each append, and of the lanes while others send; no caller
 *   holds all lanes, so that another's events find one free.
 * - Bounds: events and bytes, in all and for each caller. Who streams waits for room; who calls is told to come again.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #run: RunAppend;
  /** Callers with waiting events; the one served longest ago comes first. */
  readonly #ready = new Set<CallerQueue>();
  /** Correlations with an append under way. */
  readonly #busy = new Set<string>();
  readonly #freeLanes: number[];
  /** When each caller sent last, by performance.now(); the longest ago first. */
  readonly #sentAt = new Map<CallerQueue, number>();
  /** Streams that wait for room, in order. */
  #waiters: (() => void)[] = [];
  /** When the last small and the last large batch came, by performance.now(). */
  #smallSentAt = Number.NEGATIVE_INFINITY;
  #largeSentAt = Number.NEGATIVE_INFINITY;
  #events = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #outage: Fault | undefined;
  #idle: (() => void) | undefined;

  constructor(options: WriterOptions, run: RunAppend) {
    this.#options = options;
    this.#run = run;
    this.#freeLanes = Array.from({ length: options.lanes }, (_, lane) => lane);
  }

  /** Events that wait or are being appended, their bytes, the bounds, and the streams that wait for room. */
  get fill(): { events: number; bytes: number; eventLimit: number; byteLimit: number; waitingCallers: number } {
    return {
      events: this.#events,
      bytes: this.#bytes,
      eventLimit: this.#options.pendingEvents,
      byteLimit: this.#options.pendingBytes,
      waitingCallers: this.#waiters.length,
    };
  }

  /** Appends under way. */
  get activeLanes(): number {
    return this.#options.lanes - this.#freeLanes.length;
  }

  /** A queue for one caller. */
  open(): CallerQueue {
    return new CallerQueue();
  }

  /**
   * Waits until the caller and the writer have room for a batch, then submits it. The promise resolves when the batch is
   * taken; its `result` when its fate is settled. A batch larger than a bound has room when nothing else waits.
   */
  async submitWhenRoom(
    queue: CallerQueue,
    events: readonly PreparedEvent[],
  ): Promise<{ result: Promise<BatchResult> }> {
    while (queue.broken === undefined && this.#outage === undefined && !this.#hasRoom(queue, events, STREAMS_SHARE)) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    return { result: this.submit(queue, events) };
  }

  /** `share`: the part of the writer's bounds that this batch may help to fill. */
  #hasRoom(queue: CallerQueue, batch: readonly PreparedEvent[], share = 1): boolean {
    const { pendingEvents, pendingBytes } = this.#options;
    const events = batch.length;
    const bytes = batch.reduce((sum, event) => sum + event.bytes, 0);
    const callerFits =
      queue.events === 0 ||
      (queue.events + events <= pendingEvents / CALLER_SHARE && queue.bytes + bytes <= pendingBytes / CALLER_SHARE);
    const allFit =
      this.#events === 0 ||
      (this.#events + events <= pendingEvents * share && this.#bytes + bytes <= pendingBytes * share);
    return callerFits && allFit;
  }

  /**
   * Takes a batch and answers when the fate of each event is settled or known to be unknown. Never rejects.
   *
   * A batch for which there is no room is refused with `exhausted`; while the database is away with `unavailable`; both
   * before anything of it was tried. A broken queue refuses with the fault that broke it.
   */
  submit(queue: CallerQueue, events: readonly PreparedEvent[]): Promise<BatchResult> {
    const refusal = queue.broken ?? this.#outage ?? this.#full(queue, events);
    if (refusal !== undefined) {
      queue.broken ??= refusal;
      return Promise.resolve({ outcomes: events.map(() => undefined), fault: refusal });
    }
    if (events.length === 0) return Promise.resolve({ outcomes: [], fault: undefined });
    return new Promise((resolve) => {
      const outcomes: (Outcome | undefined)[] = new Array(events.length).fill(undefined);
      let open = events.length;
      let fault: Fault | undefined;
      events.forEach((event, index) => {
        const settle = (result: Outcome | Fault) => {
          if (result instanceof Fault) fault ??= result;
          else outcomes[index] = result;
          this.#release(queue, event);
          if (--open === 0) resolve({ outcomes, fault });
        };
        queue.push({ event, queue, settle });
        this.#events++;
        this.#bytes += event.bytes;
      });
      this.#ready.add(queue);
      this.#sentAt.delete(queue);
      const now = performance.now();
      this.#sentAt.set(queue, now);
      if (events.length <= SMALL_BATCH) this.#smallSentAt = now;
      else this.#largeSentAt = now;
      this.#schedule();
    });
  }

  #full(queue: CallerQueue, events: readonly PreparedEvent[]): Fault | undefined {
    if (this.#hasRoom(queue, events)) return undefined;
    const { events: waiting, eventLimit } = this.fill;
    return new Fault("exhausted", `the writer is full: ${waiting} of ${eventLimit} events are waiting`, {
      reason: "WRITER_FULL",
      retryAfterMs: FULL_RETRY_MS,
    });
  }

  /** Lets a broken queue take events again: its caller has begun to send again from the batch that failed. */
  mend(queue: CallerQueue): void {
    queue.broken = undefined;
  }

  /** The database is away: everything that waits is given back, and nothing is taken until `recover`. */
  suspend(cause: Fault): void {
    this.#outage = cause;
    for (const queue of [...this.#ready]) this.#breakQueue(queue, cause);
    this.#wake();
  }

  recover(): void {
    this.#outage = undefined;
  }

  /** Resolves when no event waits and no append is under way. */
  async drained(): Promise<void> {
    if (this.#events === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #release(queue: CallerQueue, event: PreparedEvent): void {
    queue.events--;
    queue.bytes -= event.bytes;
    this.#events--;
    this.#bytes -= event.bytes;
    if (this.#waiters.length > 0) this.#wake();
    if (this.#events === 0) this.#idle?.();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resume of waiters) resume();
  }

  /** Starts an append when enough waits or has waited long enough; else sets the clock for when it will have. */
  #schedule(): void {
    while (this.#freeLanes.length > 0) {
      const eligible = this.#eligible();
      if (eligible.events === 0) return;
      const waited = performance.now() - eligible.since;
      if (eligible.events < this.#appendEvents() && waited < this.#options.lingerMs) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#schedule();
        }, this.#options.lingerMs - waited);
        return;
      }
      const draft = this.#gather();
      if (draft.items.length === 0) return;
      void this.#append(this.#freeLanes.pop() as number, draft);
    }
  }

  /** Waiting events of the callers that may have another lane. */
  #eligible(): { events: number; since: number } {
    let events = 0;
    let since = Number.POSITIVE_INFINITY;
    const lanesEach = this.#lanesEach();
    for (const queue of this.#ready) {
      if (queue.appends >= lanesEach) continue;
      events += queue.queued;
      since = Math.min(since, queue.waitingSince);
    }
    return { events, since };
  }

  /** Events that one append holds now at most. */
  #appendEvents(): number {
    const { appendEvents } = this.#options;
    const mixed = performance.now() - Math.min(this.#smallSentAt, this.#largeSentAt) < CALLER_ACTIVE_MS;
    return mixed ? Math.ceil(appendEvents / SHORT_APPENDS) : appendEvents;
  }

  /** Lanes that one caller may hold now. */
  #lanesEach(): number {
    const { lanes } = this.#options;
    return Math.max(1, Math.min(lanes - 1, Math.floor(lanes / this.#activeCallers())));
  }

  /** Callers that sent something of late. */
  #activeCallers(): number {
    const since = performance.now() - CALLER_ACTIVE_MS;
    for (const [queue, sentAt] of this.#sentAt) {
      if (sentAt >= since) break;
      this.#sentAt.delete(queue);
    }
    return Math.max(1, this.#sentAt.size);
  }

  /** Fills a draft: first an equal share for each caller, then what room is left, those served longest ago first. */
  #gather(): AppendDraft {
    const { appendBytes } = this.#options;
    const appendEvents = this.#appendEvents();
    const draft = new AppendDraft();
    const lanesEach = this.#lanesEach();
    const callers = [...this.#ready].filter((queue) => queue.appends < lanesEach);
    const isFree = (correlationId: string) => !this.#busy.has(correlationId);
    const share = Math.max(1, Math.floor(appendEvents / Math.max(1, callers.length)));
    for (const quota of [share, appendEvents]) {
      for (const queue of callers) {
        const room = Math.min(quota, appendEvents - draft.items.length);
        if (room <= 0) break;
        const before = draft.items.length;
        queue.take(room, appendBytes, isFree, draft);
        if (draft.items.length > before) this.#servedNow(queue);
      }
    }
    return draft;
  }

  #servedNow(queue: CallerQueue): void {
    this.#ready.delete(queue);
    if (queue.queued > 0) this.#ready.add(queue);
  }

  async #append(lane: number, draft: AppendDraft): Promise<void> {
    const items = new Map<string, Item>(draft.items.map((item) => [item.event.eventId, item]));
    const queues = new Set(draft.items.map((item) => item.queue));
    const correlations = new Set(draft.items.map((item) => item.event.correlationId));
    for (const queue of queues) queue.appends++;
    for (const correlationId of correlations) this.#busy.add(correlationId);
    let fault: Fault | undefined;
    try {
      await this.#run(
        lane,
        draft.items.map((item) => item.event),
        (event, outcome) => {
          const item = items.get(event.eventId);
          items.delete(event.eventId);
          item?.settle(outcome);
        },
        [...queues],
      );
    } catch (error) {
      fault = error instanceof Fault ? error : unavailable("an append failed", error);
    }
    for (const queue of queues) queue.appends--;
    for (const correlationId of correlations) this.#busy.delete(correlationId);
    this.#freeLanes.push(lane);
    if (items.size > 0)
      this.#fail([...items.values()], fault ?? unavailable("an append left events unsettled", undefined));
    this.#schedule();
  }

  /** Breaks the queue of every event whose fate is unknown. */
  #fail(items: readonly Item[], fault: Fault): void {
    for (const queue of new Set(items.map((item) => item.queue))) this.#breakQueue(queue, fault);
    for (const item of items) item.settle(fault);
    this.#wake();
  }

  #breakQueue(queue: CallerQueue, fault: Fault): void {
    this.#ready.delete(queue);
    queue.breakWith(fault);
  }
}

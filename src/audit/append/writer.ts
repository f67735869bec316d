import { Fault } from "../../fault.ts";
import type { PreparedEvent } from "../prepare.ts";
import { unavailable } from "./appender.ts";
import type { Outcome } from "./outcome.ts";
import { Pace } from "./pace.ts";
import { AppendDraft, type BatchResult, CallerQueue, type Item } from "./queue.ts";
import { Room, type RoomOptions } from "./room.ts";

/**
 * Stores the items of one draft and settles each; throws a Fault where the fate of those not settled is unknown. An item that
 * is settled with a Fault breaks its caller's queue.
 */
export type RunAppend = (
  lane: number,
  items: readonly Item[],
  settle: (item: Item, result: Outcome | Fault) => void,
) => Promise<void>;

/** The other way for events: into the queue, while the database cannot take them. */
export interface Detour {
  /** `open`: some events go that way; `only`: all do; `closed`: none, and `wayOf` needs not be asked. */
  readonly state: "closed" | "open" | "only";
  /** Which way events of this correlation go now; `wait`: neither, for a moment. */
  wayOf(correlationId: string): Way | "wait";
  /** Whether what an append left with this fault may go that way. */
  mayTake(fault: Fault): boolean;
  /** Milliseconds for which events are gathered into one entry. */
  readonly lingerMs: number;
  /** Puts the items of one draft into the queue, as RunAppend does; one call at a time. */
  readonly run: (items: readonly Item[], settle: (item: Item, result: Outcome | Fault) => void) => Promise<void>;
}

export type Way = "database" | "queue";

export interface WriterOptions extends RoomOptions {
  /** Appends at once; each has a connection of its own. */
  readonly lanes: number;
  /** Events and bytes of one append at most. */
  readonly appendEvents: number;
  readonly appendBytes: number;
  /** Milliseconds that a lone event waits for company. */
  readonly lingerMs: number;
}

export interface SubmitOptions {
  /** Never settle these events as queued. */
  readonly requireRecorded?: boolean;
}

/**
 * Gathers the events of all callers into appends of a good size and runs several of them at once.
 *
 * - Order: the events of one correlation are never in two appends at once, and within a caller they keep their order.
 * - Fairness: every caller with waiting events has its share of each append, and of the lanes while others send; no caller
 *   holds all lanes, so that another's events find one free.
 * - Bounds: events and bytes, in all and for each caller. Who streams waits for room; who calls is told to come again.
 * - What the database cannot take, and what must go behind that, is gathered for the queue, one entry at a time.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #run: RunAppend;
  readonly #detour: Detour | undefined;
  readonly #pace = new Pace();
  readonly #room: Room;
  /** Callers with waiting events; the one served longest ago comes first. */
  readonly #ready = new Set<CallerQueue>();
  /** Correlations with an append under way. */
  readonly #busy = new Set<string>();
  /** Correlations of events that the database may or may not have taken: they wait for the queue. */
  readonly #diverted = new Set<string>();
  readonly #freeLanes: number[];
  #timer: NodeJS.Timeout | undefined;
  #detourTimer: NodeJS.Timeout | undefined;
  #detourBusy = false;
  #outage: Fault | undefined;
  /** What ends the wait for each append under way. */
  readonly #underWay = new Set<(fault: Fault) => void>();
  #abandoned = false;

  constructor(options: WriterOptions, run: RunAppend, detour?: Detour) {
    this.#options = options;
    this.#run = run;
    this.#detour = detour;
    this.#room = new Room(options);
    this.#freeLanes = Array.from({ length: options.lanes }, (_, lane) => lane);
  }

  /** Events that wait or are being appended, their bytes, the bounds, and the streams that wait for room. */
  get fill(): Room["fill"] {
    return this.#room.fill;
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
    options: SubmitOptions = {},
  ): Promise<{ result: Promise<BatchResult> }> {
    while (queue.broken === undefined && this.#outage === undefined && !this.#room.fitsStream(queue, events)) {
      await this.#room.change();
    }
    return { result: this.submit(queue, events, options) };
  }

  /**
   * Takes a batch and answers when the fate of each event is settled or known to be unknown. Never rejects.
   *
   * A batch for which there is no room is refused with `exhausted`; while neither store is there with `unavailable`; both
   * before anything of it was tried. A broken queue refuses with the fault that broke it.
   */
  submit(
    queue: CallerQueue,
    events: readonly PreparedEvent[],
    { requireRecorded = false }: SubmitOptions = {},
  ): Promise<BatchResult> {
    const refusal = queue.broken ?? this.#outage ?? this.#room.refusal(queue, events);
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
          this.#room.release(queue, event);
          if (--open === 0) resolve({ outcomes, fault });
        };
        queue.push({ event, queue, requireRecorded, settle });
        this.#room.take(event);
      });
      this.#ready.add(queue);
      this.#pace.sent(queue, events.length);
      this.schedule();
    });
  }

  /** Lets a broken queue take events again: its caller has begun to send again from the batch that failed. */
  mend(queue: CallerQueue): void {
    queue.broken = undefined;
  }

  /** Neither store is there: everything that waits is given back, and nothing is taken until `recover`. */
  suspend(cause: Fault): void {
    this.#outage = cause;
    this.#diverted.clear();
    for (const queue of [...this.#ready]) this.#breakQueue(queue, cause);
    this.#room.wake();
  }

  recover(): void {
    this.#outage = undefined;
    this.schedule();
  }

  /**
   * Waits for no append any longer, and begins no other: what is under way goes to the queue, its fate unknown, and so does
   * all that comes. For the end of the process.
   */
  abandon(fault: Fault): void {
    this.#abandoned = true;
    if (this.#detour === undefined) this.suspend(fault);
    for (const end of this.#underWay) end(fault);
    this.schedule();
  }

  /** Resolves when no event waits and no append is under way. */
  drained(): Promise<void> {
    return this.#room.drained();
  }

  /** Starts what can be started; sets the clock for what waits for company. To be called when the detour has changed. */
  schedule(): void {
    this.#scheduleDatabase();
    this.#scheduleQueue();
  }

  /** Starts an append when enough waits or has waited long enough; else sets the clock for when it will have. */
  #scheduleDatabase(): void {
    while (this.#freeLanes.length > 0 && this.#detour?.state !== "only" && !this.#abandoned) {
      const eligible = this.#eligible();
      if (eligible.events === 0) return;
      const waited = performance.now() - eligible.since;
      if (eligible.events < this.#pace.appendEvents(this.#options.appendEvents) && waited < this.#options.lingerMs) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#scheduleDatabase();
        }, this.#options.lingerMs - waited);
        return;
      }
      const draft = this.#gather("database");
      if (draft.items.length === 0) return;
      void this.#append(this.#freeLanes.pop() as number, draft);
    }
  }

  /** Gathers an entry for the queue when the last one is on disk and some time for company has passed. */
  #scheduleQueue(): void {
    const detour = this.#detour;
    if (detour === undefined || (detour.state === "closed" && this.#diverted.size === 0 && !this.#abandoned)) return;
    if (this.#detourBusy || this.#ready.size === 0) return;
    this.#detourTimer ??= setTimeout(() => {
      this.#detourTimer = undefined;
      if (this.#detourBusy) return;
      const draft = this.#gather("queue");
      if (draft.items.length > 0) void this.#divert(detour, draft);
      else this.#scheduleQueue();
    }, detour.lingerMs);
  }

  /** Waiting events of the callers that may have another lane. */
  #eligible(): { events: number; since: number } {
    let events = 0;
    let since = Number.POSITIVE_INFINITY;
    const lanesEach = this.#pace.lanesEach(this.#options.lanes);
    for (const queue of this.#ready) {
      if (queue.appends >= lanesEach) continue;
      events += queue.queued;
      since = Math.min(since, queue.waitingSince);
    }
    return { events, since };
  }

  /** Fills a draft: first an equal share for each caller, then what room is left, those served longest ago first. */
  #gather(way: Way): AppendDraft {
    const { appendBytes, lanes } = this.#options;
    const toDatabase = way === "database";
    const appendEvents = toDatabase ? this.#pace.appendEvents(this.#options.appendEvents) : this.#options.appendEvents;
    const draft = new AppendDraft();
    const lanesEach = toDatabase ? this.#pace.lanesEach(lanes) : Number.POSITIVE_INFINITY;
    const callers = [...this.#ready].filter((queue) => queue.appends < lanesEach);
    const isFree = (correlationId: string) => !this.#busy.has(correlationId) && this.#wayOf(correlationId) === way;
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

  #wayOf(correlationId: string): Way | "wait" {
    if (this.#detour === undefined) return "database";
    if (this.#abandoned || this.#diverted.has(correlationId)) return "queue";
    return this.#detour.state === "closed" ? "database" : this.#detour.wayOf(correlationId);
  }

  #servedNow(queue: CallerQueue): void {
    this.#ready.delete(queue);
    if (queue.queued > 0) this.#ready.add(queue);
  }

  async #append(lane: number, draft: AppendDraft): Promise<void> {
    const queues = new Set(draft.items.map((item) => item.queue));
    for (const queue of queues) queue.appends++;
    const abandoned = Promise.withResolvers<never>();
    this.#underWay.add(abandoned.reject);
    const { open, fault } = await this.#settleBy(draft, (settle) =>
      Promise.race([this.#run(lane, draft.items, settle), abandoned.promise]),
    );
    this.#underWay.delete(abandoned.reject);
    for (const queue of queues) queue.appends--;
    this.#freeLanes.push(lane);
    if (open.length > 0 && this.#detour?.mayTake(fault)) this.#putBack(open, fault);
    else this.#fail(open, fault);
    this.schedule();
  }

  async #divert(detour: Detour, draft: AppendDraft): Promise<void> {
    this.#detourBusy = true;
    const { open, fault } = await this.#settleBy(draft, (settle) => detour.run(draft.items, settle));
    for (const { event } of draft.items) this.#diverted.delete(event.correlationId);
    this.#detourBusy = false;
    this.#fail(open, fault);
    this.schedule();
  }

  /** Runs what settles a draft, its correlations busy meanwhile; gives the items left open, and why. */
  async #settleBy(
    draft: AppendDraft,
    run: (settle: (item: Item, result: Outcome | Fault) => void) => Promise<void>,
  ): Promise<{ open: readonly Item[]; fault: Fault }> {
    const open = new Set(draft.items);
    const correlations = new Set(draft.items.map((item) => item.event.correlationId));
    for (const correlationId of correlations) this.#busy.add(correlationId);
    let fault: Fault | undefined;
    try {
      await run((item, result) => {
        if (!open.delete(item)) return;
        if (result instanceof Fault) this.#breakQueue(item.queue, result);
        item.settle(result);
      });
    } catch (error) {
      fault = error instanceof Fault ? error : unavailable("an append failed", error);
    }
    for (const correlationId of correlations) this.#busy.delete(correlationId);
    const left = [...open];
    // An abandoned append may still answer: too late.
    open.clear();
    return { open: left, fault: fault ?? unavailable("an append left events unsettled", undefined) };
  }

  /**
   * Gives items that the database did not settle to the queue. A caller that wants none of its own QUEUED gets all of its
   * items back, since nothing may overtake them.
   */
  #putBack(items: readonly Item[], fault: Fault): void {
    for (const [queue, own] of Map.groupBy(items, (item) => item.queue)) {
      if (queue.broken !== undefined || own.some((item) => item.requireRecorded)) {
        this.#fail(own, queue.broken ?? fault);
        continue;
      }
      queue.putBack(own);
      for (const { event } of own) this.#diverted.add(event.correlationId);
      this.#ready.add(queue);
    }
  }

  /** Breaks the queue of every event whose fate is unknown. */
  #fail(items: readonly Item[], fault: Fault): void {
    for (const queue of new Set(items.map((item) => item.queue))) this.#breakQueue(queue, fault);
    for (const item of items) item.settle(fault);
    if (items.length > 0) this.#room.wake();
  }

  #breakQueue(queue: CallerQueue, fault: Fault): void {
    this.#ready.delete(queue);
    queue.breakWith(fault);
  }
}

import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../fault.ts";
import type { Logger } from "../telemetry/logs.ts";
import type { Outcome } from "./append/outcome.ts";
import type { CallerQueue } from "./append/queue.ts";
import type { Writer } from "./append/writer.ts";
import type { PreparedEvent } from "./prepare.ts";

export interface EventOutboxParts {
  readonly writer: Pick<Writer, "open" | "submit" | "mend">;
  readonly log: Pick<Logger, "error">;
}

/** Room for the events of one call, taken before the call does anything. */
export interface Place {
  /** Takes the events, of which there may be no more than the place was taken for; they are tried until they are stored. */
  fill(events: readonly PreparedEvent[]): void;
  /** Gives back what was not filled. To be called at the end in any case. */
  release(): void;
}

/** Events and bytes that may wait. */
const WAITING_EVENTS = 10_000;
const WAITING_BYTES = 64 * 1024 * 1024;
/** Events and bytes that are submitted at once. */
const BATCH_EVENTS = 500;
const BATCH_BYTES = 1024 * 1024;
/** Milliseconds after which those are tried again that no store took, where it did not say. */
const RETRY_AFTER_MS = 1000;

/**
 * The events of replies that do not wait for them: it keeps each in memory until a store has taken it, and the order in
 * which they came. A process that is killed loses those that wait; one that is closed has time to store them.
 */
export class EventOutbox {
  readonly #parts: EventOutboxParts;
  readonly #queue: CallerQueue;
  #waiting: PreparedEvent[] = [];
  #bytes = 0;
  /** Events that calls under way may still leave. */
  #reserved = 0;
  #running: Promise<void> | undefined;
  /** Ends the wait for the next try. */
  #wait = new AbortController();
  #givenUp = false;

  constructor(parts: EventOutboxParts) {
    this.#parts = parts;
    this.#queue = parts.writer.open();
  }

  /** Events that wait to be stored. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Takes room for so many events.
   *
   * @throws Fault `exhausted` (EVENTS_WAITING) where there is none: the call must not be answered, since its events could
   * not be kept.
   */
  reserve(events: number): Place {
    if (this.#waiting.length + this.#reserved + events > WAITING_EVENTS || this.#bytes >= WAITING_BYTES) {
      const message = `${this.#waiting.length} events of earlier calls wait to be recorded`;
      throw new Fault("exhausted", message, { reason: "EVENTS_WAITING", retryAfterMs: RETRY_AFTER_MS });
    }
    let held = events;
    this.#reserved += events;
    const release = () => {
      this.#reserved -= held;
      held = 0;
    };
    return {
      release,
      fill: (added) => {
        release();
        this.#add(added);
      },
    };
  }

  /** Stores what waits, for so many milliseconds at most, and tells the log how many events are lost. Nothing may be added after. */
  async close(timeoutMs: number): Promise<void> {
    const bound = new AbortController();
    this.#wait.abort();
    this.#wait = bound;
    const late = delay(timeoutMs, undefined, { signal: bound.signal }).catch(() => {});
    await Promise.race([this.#running, late]);
    this.#givenUp = true;
    bound.abort();
    if (this.#waiting.length === 0) return;
    this.#parts.log.error({ events: this.#waiting.length }, "events of answered calls could not be recorded");
  }

  #add(events: readonly PreparedEvent[]): void {
    for (const event of events) {
      this.#waiting.push(event);
      this.#bytes += event.bytes;
    }
    this.#running ??= this.#submitAll();
  }

  /** One batch at a time: what is tried again is never overtaken. */
  async #submitAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#givenUp) {
      const batch = nextBatch(this.#waiting);
      const { outcomes, fault } = await this.#parts.writer.submit(this.#queue, batch);
      this.#settle(batch, outcomes);
      if (fault !== undefined) await this.#pause(fault);
    }
    this.#running = undefined;
  }

  /** Keeps the events of which it is not known what became of them. */
  #settle(batch: readonly PreparedEvent[], outcomes: readonly (Outcome | undefined)[]): void {
    const open = batch.filter((event, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined) return true;
      this.#bytes -= event.bytes;
      if (outcome.kind === "rejected" || outcome.kind === "conflict") this.#tellDefect(event, outcome.kind);
      return false;
    });
    this.#waiting.splice(0, batch.length, ...open);
  }

  #tellDefect({ eventId, correlationId }: PreparedEvent, outcome: string): void {
    const facts = { event_id: eventId, correlation_id: correlationId, outcome };
    this.#parts.log.error(facts, "an event of an answered call is refused for good");
  }

  /** Lets the writer take events again, after the time that it asks for. */
  async #pause(fault: Fault): Promise<void> {
    const retryAfterMs = fault.details.retryAfterMs ?? RETRY_AFTER_MS;
    await delay(retryAfterMs, undefined, { signal: this.#wait.signal }).catch(() => {});
    this.#parts.writer.mend(this.#queue);
  }
}

/** The oldest events, as many as are submitted at once, and one at least. */
function nextBatch(waiting: readonly PreparedEvent[]): PreparedEvent[] {
  const batch: PreparedEvent[] = [];
  let bytes = 0;
  for (const event of waiting) {
    bytes += event.bytes;
    if (batch.length === BATCH_EVENTS || (batch.length > 0 && bytes > BATCH_BYTES)) break;
    batch.push(event);
  }
  return batch;
}

import { nowMs } from "../clock.ts";
import { createEventTally, type EventOutcome } from "./event_tally.ts";
import type { Logger } from "./logs.ts";
import type { Metrics } from "./metrics.ts";

/** Watches appends for the metrics; has the shape of the writer's AppendObserver without knowing it. */
export function createAppendMetrics(metrics: Metrics, log: Logger, path: "direct" | "queue" = "direct") {
  const tally = createEventTally(metrics.events);
  return {
    attempt(result: "ok" | "stale" | "duplicate" | "error", seconds: number, events: number): void {
      metrics.writeDuration.record(seconds, { result });
      if (result === "ok") metrics.appendEvents.record(events);
    },
    retry(reason: "stale" | "duplicate" | "race" | "split"): void {
      metrics.appendRetries.add(1, { reason });
    },
    recorded(events: readonly { readonly category: string; readonly occurredAtMs: number }[]): void {
      const now = nowMs();
      for (const event of events) {
        // Those from the queue were counted when they were answered, as queued.
        if (path === "direct") tally.count("recorded", event.category);
        metrics.auditLag.record(Math.max(0, now - event.occurredAtMs) / 1000, { path });
      }
      tally.flush();
    },
    /** Counts an event that was answered otherwise. */
    answered(outcome: EventOutcome, category: string): void {
      tally.count(outcome, category);
      tally.flush();
    },
    defect(error: unknown): void {
      log.error({ err: error }, "the database refused an append for a defect of the schema or the statement");
    },
  };
}

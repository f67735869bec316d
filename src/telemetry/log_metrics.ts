import type { Metrics } from "./metrics.ts";

const SIGNING = ["standby", "signing", "no_key", "other_origin", "contradicted"] as const;

/** What the gauges of the log are read from at a scrape; has the shape of the open log without knowing it. */
export interface LogView {
  readonly standing: {
    readonly holding: boolean;
    readonly size: number;
    readonly publishedSize: number;
    readonly pendingEvents: number;
    readonly oldestPendingS: number;
    readonly oldestTransactionS: number;
  };
  sealingStatus(): (typeof SIGNING)[number];
  readonly keptOutside: boolean;
  readonly witnesses: { readonly configured: number; readonly failing: number };
}

/** Has the metrics tell how the log stands. */
export function observeLog(metrics: Metrics, log: LogView): void {
  metrics.logEvents.observe((report) => {
    const { size, publishedSize, pendingEvents } = log.standing;
    report(pendingEvents, { state: "recorded" });
    report(size - publishedSize, { state: "indexed" });
    report(publishedSize, { state: "covered" });
  });
  metrics.logIndexLag.observe((report) => report(log.standing.oldestPendingS));
  metrics.logOldestTransaction.observe((report) => report(log.standing.oldestTransactionS));
  metrics.logSequencer.observe((report) => report(log.standing.holding ? 1 : 0));
  metrics.logSigning.observe((report) => {
    for (const status of SIGNING) report(log.sealingStatus() === status ? 1 : 0, { status });
  });
  metrics.logKept.observe((report) => report(log.keptOutside ? 1 : 0));
  metrics.logWitnesses.observe((report) => {
    const { configured, failing } = log.witnesses;
    report(configured - failing, { state: "answering" });
    report(failing, { state: "failing" });
  });
}

/** Counts what makes the log longer. */
export function createLogMetrics(metrics: Metrics) {
  metrics.logAdvances.add(0);
  metrics.logIndexedEvents.add(0);
  return {
    advanced(events: number, seconds: number): void {
      metrics.logAdvances.add(1);
      metrics.logIndexedEvents.add(events);
      metrics.logAdvanceDuration.record(seconds);
    },
  };
}

import type { Metrics } from "./metrics.ts";

/** What the gauges of the writer are read from at a scrape; has the shape of the writer without knowing it. */
export interface WriterView {
  readonly fill: {
    readonly events: number;
    readonly bytes: number;
    readonly eventLimit: number;
    readonly byteLimit: number;
    readonly waitingCallers: number;
  };
  readonly activeLanes: number;
}

/** Has the metrics tell how full the writer is and how many of its lanes are in use. */
export function observeWriter(metrics: Metrics, writer: WriterView, lanes: number): void {
  metrics.writerPendingEvents.observe((report) => report(writer.fill.events));
  metrics.writerPendingBytes.observe((report) => report(writer.fill.bytes));
  metrics.writerWaitingCallers.observe((report) => report(writer.fill.waitingCallers));
  metrics.writerPendingLimit.observe((report) => {
    report(writer.fill.eventLimit, { of: "events" });
    report(writer.fill.byteLimit, { of: "bytes" });
  });
  metrics.poolConnections.observe((report) => {
    report(writer.activeLanes, { pool: "append", state: "active" });
    report(lanes - writer.activeLanes, { pool: "append", state: "idle" });
  });
}

/** Has the metrics tell how many connections of the readers' pool are in use, where so many statements run or wait. */
export function observeReaders(metrics: Metrics, pool: { readonly running: number }, connections: number): void {
  metrics.poolConnections.observe((report) => {
    const active = Math.min(pool.running, connections);
    report(active, { pool: "read", state: "active" });
    report(connections - active, { pool: "read", state: "idle" });
    report(pool.running - active, { pool: "read", state: "waiting" });
  });
}

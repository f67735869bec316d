import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Metrics } from "./metrics.ts";

const RESOLUTION_MS = 10;

/** Reports what the process itself uses: memory, CPU, and how late its timers fire. Returns a function that ends it. */
export function observeProcess(metrics: Metrics, version: string): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const started = Date.now() / 1000 - process.uptime();
  const ends = [
    metrics.buildInfo.observe((report) => report(1, { version, node: process.versions.node })),
    metrics.processResidentMemory.observe((report) => report(process.memoryUsage.rss())),
    metrics.processCpu.observe((report) => {
      const { user, system } = process.cpuUsage();
      report((user + system) / 1e6);
    }),
    metrics.processStartTime.observe((report) => report(started)),
    metrics.eventLoopLagP99.observe((report) => {
      // The monitor's own timer is asked for every RESOLUTION_MS; only what comes on top is lag.
      report(Math.max(0, delay.percentile(99) / 1e9 - RESOLUTION_MS / 1000));
      delay.reset();
    }),
    metrics.heapUsed.observe((report) => report(process.memoryUsage().heapUsed)),
  ];
  return () => {
    delay.disable();
    for (const end of ends) end();
  };
}

import { nowMs } from "../clock.ts";
import type { Metrics } from "./metrics.ts";

const STREAMS = ["events", "notifications"] as const;
const BREAKER_STATES = ["closed", "open", "half_open"] as const;
/** The part of a limit that is a warning, and the part that is critical. */
const WARNING = 0.8;
const CRITICAL = 0.9;

type Stream = (typeof STREAMS)[number];
type BreakerState = (typeof BREAKER_STATES)[number];

/** What the gauges of the queue are read from at a scrape. */
export interface QueueView {
  readonly takes: boolean;
  readonly limits: { readonly entries: number; readonly bytes: number };
  readonly breaker: BreakerState;
  depth(): Readonly<
    Record<
      Stream,
      {
        readonly entries: number;
        readonly bytes: number;
        readonly letters: number;
        readonly oldest: string | undefined;
      }
    >
  >;
}

/** Watches the queue for the metrics; without one there is none, and its gauges say so. */
export function createQueueMetrics(metrics: Metrics) {
  let view: QueueView | undefined;
  const full: Record<Stream, boolean> = { events: false, notifications: false };
  const observe = (
    gauge: Metrics["queueDepth"],
    value: (stream: Stream, depth: ReturnType<QueueView["depth"]>, view: QueueView) => number,
  ) =>
    gauge.observe((report) => {
      const depth = view?.depth();
      for (const stream of STREAMS) report(view && depth ? value(stream, depth, view) : 0, { stream });
    });
  observe(metrics.queueDepth, (stream, depth) => depth[stream].entries);
  observe(metrics.queueBytes, (stream, depth) => depth[stream].bytes);
  observe(metrics.deadLetters, (stream, depth) => depth[stream].letters);
  observe(metrics.queueOldestAge, (stream, depth) => ageOf(depth[stream].oldest));
  observe(metrics.queueWarning, (stream, depth, { limits }) => Number(fillOf(stream, depth, limits) >= WARNING));
  observe(metrics.queueCritical, (stream, depth, { limits }) => Number(fillOf(stream, depth, limits) >= CRITICAL));
  observe(metrics.deadLettersFull, (stream) => Number(full[stream]));
  metrics.queueUp.observe((report) => report(view?.takes ? 1 : 0));
  metrics.queueBreaker.observe((report) => {
    for (const state of BREAKER_STATES) report(view?.breaker === state ? 1 : 0, { state });
  });
  for (const stream of STREAMS) {
    metrics.queueRetries.add(0, { stream });
    metrics.queueClaims.add(0, { stream });
    for (const reason of ["refused", "conflict", "undecodable"] as const) {
      metrics.deadLettersTotal.add(0, { stream, reason });
    }
  }
  metrics.queueWiped.add(0);
  return {
    watch(watched: QueueView): void {
      view = watched;
    },
    wiped: () => metrics.queueWiped.add(1),
    /** Has the shape of the drainer's observer without knowing it. */
    drain: {
      retried: (stream: Stream) => metrics.queueRetries.add(1, { stream }),
      claimed: (stream: Stream, entries: number) => metrics.queueClaims.add(entries, { stream }),
      deadLetters: (stream: Stream, reason: "refused" | "conflict" | "undecodable", events: number) =>
        metrics.deadLettersTotal.add(events, { stream, reason }),
      deadLettersFull(stream: Stream, isFull: boolean) {
        full[stream] = isFull;
      },
      breaker() {},
      replaced: () => metrics.queueWiped.add(1),
    },
  };
}

function ageOf(oldest: string | undefined): number {
  return oldest === undefined ? 0 : Math.max(0, nowMs() - Date.parse(oldest)) / 1000;
}

/** How full a stream is, by its entries or by the bytes that both share. */
function fillOf(
  stream: Stream,
  depth: ReturnType<QueueView["depth"]>,
  { entries, bytes }: QueueView["limits"],
): number {
  const used = STREAMS.reduce((sum, name) => sum + depth[name].bytes, 0);
  return Math.max(depth[stream].entries / entries, used / bytes);
}

/** A label of a metric. */
export interface Label {
  /** Every value it can have, where that is a closed list; what is not in it does not compile. */
  readonly values?: readonly string[];
  readonly meaning: string;
  /** Whether some measurements go without it. */
  readonly optional?: true;
}

/** One metric as an operator sees it. The table below is all there is: types, the scrape and docs/metrics.md come from it. */
export interface Instrument {
  /** Name as it appears in a scrape; a histogram adds `_bucket`, `_sum` and `_count` to it. */
  readonly name: string;
  /** Name in OpenTelemetry's conventions, where that is another one. */
  readonly openTelemetryName?: string;
  /** `gauge` and `observedCounter` are read from a callback at the moment of the scrape. */
  readonly kind: "histogram" | "counter" | "gauge" | "observedCounter";
  /** Unit in UCUM form: `s`, `By`, `{event}`, `1`. */
  readonly unit: string;
  readonly labels: Readonly<Record<string, Label>>;
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[];
  readonly meaning: string;
}

/** Categories of events that are counted by their own name; an event_category is an open set and may not become labels. */
export const CATEGORIES = [
  "gateway",
  "signalprocessing",
  "analysis",
  "aiagent",
  "orchestration",
  "approval",
  "workflow",
  "workflowexecution",
  "notification",
  "effectiveness",
  "actiontype",
  "webhook",
  "datastorage",
  "apifrontend",
  "other",
] as const;

/** What became of an event. */
export const EVENT_OUTCOMES = ["recorded", "duplicate", "conflict", "rejected", "queued"] as const;

/** The canonical status codes as gRPC spells them; Connect's answers are counted under the same names. */
export const STATUS_CODES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/** Statuses that OpenTelemetry's conventions count as a server's own failures; the others are the caller's. */
export const SERVER_FAILURES = [
  "UNKNOWN",
  "DEADLINE_EXCEEDED",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
] as const satisfies readonly (typeof STATUS_CODES)[number][];

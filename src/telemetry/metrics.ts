import { createNoopMeter, type Meter } from "@opentelemetry/api";
import type { Instrument, Label } from "./instrument.ts";
import { instruments } from "./instruments.ts";

type Value<L> = L extends { readonly values: readonly (infer V)[] } ? V : string;

/** The labels that a measurement of instrument `I` carries: exactly those of the table, with its values where it lists them. */
export type Labels<I extends Instrument> = {
  readonly [Name in keyof I["labels"] as I["labels"][Name] extends { optional: true } ? never : Name]: Value<
    I["labels"][Name]
  >;
} & {
  readonly [Name in keyof I["labels"] as I["labels"][Name] extends { optional: true } ? Name : never]?: Value<
    I["labels"][Name]
  >;
};

type LabelArgument<I extends Instrument> = keyof I["labels"] extends never ? [] : [labels: Labels<I>];

/** Measures how values are spread. */
export interface HistogramOf<I extends Instrument> {
  /** Takes one value in the instrument's unit. Negative ones count as 0, NaN not at all. */
  record(value: number, ...labels: LabelArgument<I>): void;
}

/** Counts what happens. */
export interface CounterOf<I extends Instrument> {
  /** Adds a number that is not negative. */
  add(amount: number, ...labels: LabelArgument<I>): void;
}

/** Tells how things stand at the moment of a scrape. */
export interface ObservableOf<I extends Instrument> {
  /**
   * Has `callback` asked at every scrape; it reports one value for each set of labels. A callback that fails leaves the
   * rest of the scrape whole. Returns a function that ends it.
   */
  observe(callback: (report: (value: number, ...labels: LabelArgument<I>) => void) => void): () => void;
}

type RecorderOf<I extends Instrument> = I extends { readonly kind: "histogram" }
  ? HistogramOf<I>
  : I extends { readonly kind: "counter" }
    ? CounterOf<I>
    : ObservableOf<I>;

/** One recorder for each metric of the table: `metrics.writeDuration.record(0.004, { result: "ok" })`. */
export type Metrics = { readonly [Name in keyof typeof instruments]: RecorderOf<(typeof instruments)[Name]> };

/**
 * The recorders of all metrics on `meter`; without one they take everything and keep nothing.
 *
 * Label objects are only read: the same frozen object may serve every call, and on a hot path it should.
 */
export function createMetrics(meter: Meter = createNoopMeter()): Metrics {
  const recorders = Object.entries<Instrument>(instruments).map(([name, instrument]) => [
    name,
    recorder(meter, instrument),
  ]);
  return Object.fromEntries(recorders) as Metrics;
}

type AnyLabels = Readonly<Record<string, string>>;

function recorder(
  meter: Meter,
  { kind, name, openTelemetryName = name, unit, meaning, buckets = [] }: Instrument,
): object {
  const options = { unit, description: meaning };
  switch (kind) {
    case "histogram": {
      const histogram = meter.createHistogram(openTelemetryName, {
        ...options,
        advice: { explicitBucketBoundaries: [...buckets] },
      });
      return {
        record(value: number, labels?: AnyLabels) {
          // One NaN would make the sum NaN for good, and the SDK drops negative values with a warning each.
          if (!Number.isNaN(value)) histogram.record(Math.max(value, 0), labels);
        },
      };
    }
    case "counter": {
      const counter = meter.createCounter(openTelemetryName, options);
      return { add: (amount: number, labels?: AnyLabels) => counter.add(amount, labels) };
    }
    case "gauge":
      return observable(meter.createObservableGauge(openTelemetryName, options));
    case "observedCounter":
      return observable(meter.createObservableCounter(openTelemetryName, options));
  }
}

type OtelObservable = ReturnType<Meter["createObservableGauge"]>;

function observable(instrument: OtelObservable): object {
  return {
    observe(callback: (report: (value: number, labels?: AnyLabels) => void) => void) {
      const ask: Parameters<OtelObservable["addCallback"]>[0] = (result) =>
        callback((value, labels) => result.observe(value, labels));
      instrument.addCallback(ask);
      return () => instrument.removeCallback(ask);
    },
  };
}

/** The name that a label has in a scrape: `rpc.method` is `rpc_method` there. */
export function scrapedLabel(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, "_");
}

/** The labels of an instrument with their names in a scrape. */
export function scrapedLabels({ labels }: Instrument): [name: string, label: Label][] {
  return Object.entries(labels).map(([name, label]) => [scrapedLabel(name), label]);
}

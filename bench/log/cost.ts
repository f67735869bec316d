import { setTimeout as wait } from "node:timers/promises";
import type { Load } from "../load.ts";
import { measure, type Sample, summarize } from "../measure.ts";
import type { ClientProcess } from "../processes.ts";
import { median } from "../statistics.ts";
import { holdLog } from "./hold_log.ts";
import type { LogSite } from "./site.ts";

/** What ingest pays for the log. */
export interface LogCost {
  /** Streams that send as much as is acknowledged. */
  readonly saturated: CostSides;
  /** The same at a third of that rate, with cores to spare. */
  readonly idle: CostSides;
  /** Of the saturated rounds with the log. */
  readonly lag: Lag;
  /** Events a second that get an index when nothing else is done: what was recorded while the log stood still. */
  readonly catch_up_events_per_second: number;
}

/** Medians of the rounds. */
export interface CostSides {
  readonly with_log: Sample;
  /** Nothing gets an index; events are noted for it all the same, by their append. */
  readonly without_log: Sample;
  /** Events a second that are missing with the log, in percent. */
  readonly rate_percent: number;
  /** CPU of service and PostgreSQL an event that comes with the log, in percent of that without and in µs. */
  readonly cpu_percent: number;
  readonly cpu_us_an_event: number;
}

/** How far the log was behind. Medians of the rounds; the most is that of all. */
export interface Lag {
  readonly most_events: number;
  readonly most_seconds: number;
  /** Without an index when the last event was acknowledged, and seconds until all were, and were covered. */
  readonly events_at_end: number;
  readonly covered_after_seconds: number;
}

interface Sizes {
  readonly events: number;
  readonly seconds: number;
}

const FULL: Sizes = { events: 96_000, seconds: 4 };
const QUICK: Sizes = { events: 8_000, seconds: 0.3 };
/** Of the saturated rate. */
const IDLE_SHARE = 0.3;
const LOOK_MS = 100;

/** Measures ingest with the log and without, in turn. */
export async function measureCost(
  site: LogSite,
  client: ClientProcess,
  postgres: number | undefined,
  { rounds, quick }: { readonly rounds: number; readonly quick: boolean },
  progress: (text: string) => void,
): Promise<LogCost> {
  const { events, seconds } = quick ? QUICK : FULL;
  const load: Load = { rpc: "IngestEvents", batch: 1000, streams: 8, inFlight: 1, events, seconds };
  const bench = new CostBench(site, client, postgres);
  // What comes first is slower.
  if (!quick) await bench.withLog({ ...load, events: events / 4 });
  const saturated = await bench.sides(load, rounds, progress);
  const rate = saturated.without_log.eventsPerSecond * IDLE_SHARE;
  const gentle: Load = { ...load, events: Math.round(rate * seconds), eventsPerSecond: rate, batch: 100, inFlight: 8 };
  const { lags, caughtUp } = bench.taken();
  const idle = await bench.sides(gentle, rounds, progress);
  const of = (value: (lag: Lag) => number) => median(lags.map(value));
  return {
    saturated,
    idle,
    lag: {
      most_events: Math.max(...lags.map(({ most_events }) => most_events)),
      most_seconds: Math.max(...lags.map(({ most_seconds }) => most_seconds)),
      events_at_end: of(({ events_at_end }) => events_at_end),
      covered_after_seconds: of(({ covered_after_seconds }) => covered_after_seconds),
    },
    catch_up_events_per_second: median(caughtUp),
  };
}

class CostBench {
  readonly #site: LogSite;
  readonly #client: ClientProcess;
  readonly #postgres: number | undefined;
  #lags: Lag[] = [];
  #caughtUp: number[] = [];

  constructor(site: LogSite, client: ClientProcess, postgres: number | undefined) {
    this.#site = site;
    this.#client = client;
    this.#postgres = postgres;
  }

  /** What was noted since the last call. */
  taken(): { readonly lags: readonly Lag[]; readonly caughtUp: readonly number[] } {
    const taken = { lags: this.#lags, caughtUp: this.#caughtUp };
    [this.#lags, this.#caughtUp] = [[], []];
    return taken;
  }

  /** Who begins changes with every round. */
  async sides(load: Load, rounds: number, progress: (text: string) => void): Promise<CostSides> {
    const [withLog, without]: Sample[][] = [[], []];
    for (let round = 1; round <= rounds; round++) {
      const turns = [
        async () => withLog?.push(await this.withLog(load)),
        async () => without?.push(await this.#withoutLog(load)),
      ];
      for (const turn of round % 2 === 1 ? turns : turns.reverse()) await turn();
      const [one, other] = [withLog?.at(-1), without?.at(-1)].map((sample) => Math.round(sample?.eventsPerSecond ?? 0));
      progress(`log: round ${round} of ${rounds}, ${one} events/s with the log, ${other} without`);
    }
    return compare(summarize(withLog ?? []), summarize(without ?? []));
  }

  /** To the last acknowledgement: what the log has not done by then is its lag. */
  async withLog(load: Load): Promise<Sample> {
    await this.#client.prepare(load, this.#site.service.address);
    await this.#site.settle();
    const over = new AbortController();
    const watched = this.#watch(over.signal);
    const sample = await this.#measure();
    const { pending } = await this.#site.state();
    over.abort();
    const most = await watched;
    this.#lags.push({ ...most, events_at_end: pending, covered_after_seconds: await this.#site.covered() });
    return sample;
  }

  async #withoutLog(load: Load): Promise<Sample> {
    await this.#client.prepare(load, this.#site.service.address);
    await this.#site.settle();
    const release = await holdLog(this.#site.sql);
    const over = new AbortController();
    const watched = this.#watch(over.signal);
    let sample: Sample;
    try {
      sample = await this.#measure();
    } finally {
      over.abort();
      await watched;
      await release();
    }
    await this.#catchUp();
    return sample;
  }

  #measure(): Promise<Sample> {
    const processes = { service: this.#site.service.pid, postgres: this.#postgres, client: this.#client.pid };
    return measure(processes, () => this.#client.go());
  }

  /** From the first index on: the service notices within a second that the log is free. */
  async #catchUp(): Promise<void> {
    const { size: before, pending } = await this.#site.state();
    let begun = performance.now();
    for (let { size } = await this.#site.state(); size === before; { size } = await this.#site.state()) {
      begun = performance.now();
    }
    await this.#site.covered();
    this.#caughtUp.push((pending * 1000) / (performance.now() - begun));
  }

  async #watch(over: AbortSignal): Promise<Pick<Lag, "most_events" | "most_seconds">> {
    const most = { most_events: 0, most_seconds: 0 };
    while (!over.aborted) {
      const { pending, oldestS } = await this.#site.state();
      most.most_events = Math.max(most.most_events, pending);
      most.most_seconds = Math.max(most.most_seconds, oldestS);
      await wait(LOOK_MS, undefined, { signal: over }).catch(() => {});
    }
    return most;
  }
}

function compare(withLog: Sample, without: Sample): CostSides {
  const cpu = ({ cpu: { service, postgres } }: Sample) => service + postgres;
  return {
    with_log: withLog,
    without_log: without,
    rate_percent: 100 * (1 - withLog.eventsPerSecond / without.eventsPerSecond),
    cpu_percent: 100 * (cpu(withLog) / cpu(without) - 1),
    cpu_us_an_event: cpu(withLog) - cpu(without),
  };
}

import { cpuSeconds } from "./cpu.ts";
import { median } from "./statistics.ts";

/** CPU of one event in microseconds, process by process; NaN where there is no /proc. */
export interface Cpu {
  readonly service: number;
  readonly postgres: number;
  readonly client: number;
}

/** One measurement. Latencies in milliseconds; NaN where nothing is acknowledged. */
export interface Sample {
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpu: Cpu;
}

/** Processes whose CPU is counted; a client of its own, or this process where it is the client itself. */
export interface Processes {
  readonly service: number;
  readonly postgres: number | undefined;
  readonly client: number;
}

/** Runs `work`, which tells how many events it wrote, how long that took and how long acknowledgements did. */
export async function measure(
  processes: Processes,
  work: () => Promise<{ events: number; seconds: number; p50Ms?: number; p99Ms?: number }>,
): Promise<Sample> {
  const before = read(processes);
  const { events, seconds, p50Ms = Number.NaN, p99Ms = Number.NaN } = await work();
  const after = read(processes);
  const cpu = (process: keyof Cpu) => ((after[process] - before[process]) * 1e6) / events;
  return {
    events,
    eventsPerSecond: events / seconds,
    p50Ms,
    p99Ms,
    cpu: { service: cpu("service"), postgres: cpu("postgres"), client: cpu("client") },
  };
}

function read({ service, postgres, client }: Processes): Cpu {
  return {
    service: cpuSeconds(service) ?? Number.NaN,
    postgres: (postgres === undefined ? undefined : cpuSeconds(postgres, { family: true })) ?? Number.NaN,
    client: cpuSeconds(client) ?? Number.NaN,
  };
}

/** The medians of several measurements of the same thing. */
export function summarize(samples: readonly Sample[]): Sample {
  const of = (value: (sample: Sample) => number) => median(samples.map(value));
  return {
    events: of(({ events }) => events),
    eventsPerSecond: of(({ eventsPerSecond }) => eventsPerSecond),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    cpu: {
      service: of(({ cpu }) => cpu.service),
      postgres: of(({ cpu }) => cpu.postgres),
      client: of(({ cpu }) => cpu.client),
    },
  };
}

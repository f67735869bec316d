import type { CostSides } from "./cost.ts";
import type { ExportRate } from "./exports.ts";
import type { LogResult } from "./log.ts";

const NAME_WIDTH = 44;

/** The report for people. */
export function logLines(log: LogResult | undefined): string[] {
  if (log === undefined) return [];
  return [
    `the log over all events (load before: ${log.load.toFixed(1)})`,
    ...costLines(log),
    ...readingLines(log),
    ...log.proofs.map(({ tree_size, hashes, p50_ms, p99_ms }) =>
      row(`GetInclusionProof, tree of ${tree_size}`, [
        `${hashes} hashes`,
        `p50 ${p50_ms.toFixed(2)}`,
        `p99 ${p99_ms.toFixed(2)} ms`,
      ]),
    ),
    "",
  ];
}

function costLines({ cost: { saturated, idle, lag, catch_up_events_per_second } }: LogResult): string[] {
  return [
    row("IngestEvents, 8 streams", ["with", "without", "less", "service µs", "PostgreSQL µs", "CPU more"]),
    sidesRow("  as much as is acknowledged, events/s", saturated),
    sidesRow("  at a third of that, batches of 100", idle),
    `  behind, saturated: at most ${lag.most_events} events and ${lag.most_seconds.toFixed(2)} s; ${Math.round(lag.events_at_end)} events at the ` +
      `end, covered ${lag.covered_after_seconds.toFixed(2)} s after it; alone it indexes ${Math.round(catch_up_events_per_second)} events/s`,
  ];
}

function sidesRow(
  name: string,
  { with_log, without_log, rate_percent, cpu_percent, cpu_us_an_event }: CostSides,
): string {
  const pair = (of: "service" | "postgres") => `${with_log.cpu[of].toFixed(1)} / ${without_log.cpu[of].toFixed(1)}`;
  return row(name, [
    with_log.eventsPerSecond.toFixed(0),
    without_log.eventsPerSecond.toFixed(0),
    `${rate_percent.toFixed(1)} %`,
    pair("service"),
    pair("postgres"),
    `${cpu_us_an_event.toFixed(1)} µs ${cpu_percent.toFixed(0)} %`,
  ]);
}

function readingLines({ chain, exports, tail }: LogResult): string[] {
  const rate = ({ events_per_second, mb_per_second, service_us, postgres_us }: ExportRate, service = true) => [
    `${events_per_second.toFixed(0)}/s`,
    `${mb_per_second.toFixed(0)} MB/s`,
    service ? `service ${service_us.toFixed(1)} µs` : "",
    `PG ${postgres_us.toFixed(1)} µs`,
  ];
  return [
    row(`VerifyChain of ${chain.events} events`, [
      `${chain.events_per_second.toFixed(0)}/s`,
      "",
      `${chain.events_per_service_second.toFixed(0)} a CPU s`,
      `PG ${chain.events_per_postgres_second.toFixed(0)}`,
    ]),
    row(`COPY of ${exports.events} events TO STDOUT`, rate(exports.copy, false)),
    row("ExportEvents, bundle", [...rate(exports.bundle), exports.bundle_vs_copy.toFixed(2)]),
    row("ExportEvents, JSONL", [...rate(exports.jsonl), exports.jsonl_vs_copy.toFixed(2)]),
    row("datastorage verify of the bundle", [`${exports.verify_events_per_second.toFixed(0)}/s`]),
    row("TailEvents, one event at a time", [`p50 ${tail.p50_ms.toFixed(1)}`, `p99 ${tail.p99_ms.toFixed(1)} ms`]),
    row(`TailEvents, history of ${tail.history_events} events`, [`${tail.history_events_per_second.toFixed(0)}/s`]),
  ];
}

function row(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(16)).join("")}`.trimEnd();
}

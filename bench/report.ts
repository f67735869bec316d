import { cpus, totalmem } from "node:os";
import type { DiscoveryResult } from "./catalog/discovery.ts";
import { discoveryLines } from "./catalog/report.ts";
import { type EventFacts, eventFacts } from "./events.ts";
import type { LogResult } from "./log/log.ts";
import { logLines } from "./log/report.ts";
import type { LoneResult } from "./lone.ts";
import { type Sample, summarize } from "./measure.ts";
import type { OverloadResult } from "./overload/overload.ts";
import { overloadLines } from "./overload/report.ts";
import type { PagesResult } from "./pages.ts";
import type { ReconstructionResult } from "./reconstruction/reconstruction.ts";
import { reconstructionLines } from "./reconstruction/report.ts";
import { BASELINES, loadName } from "./sides.ts";

/** What a run gives; with --json it is printed as it is. Absent: not asked for. */
export interface Report {
  readonly machine: Machine;
  readonly events: EventFacts;
  readonly rounds: number;
  readonly quick: boolean;
  /** Best IngestEvents with batches of 1,000, in events a second, over COPY. */
  readonly ingest_vs_copy?: number;
  /** The same over INSERT one by one. */
  readonly ingest_vs_row_insert?: number;
  /** IngestEvents with 64 streams of single events over the best with batches of 1,000. */
  readonly single_vs_batch?: number;
  /** p99 of a lone RecordEvents beside a flooding stream over p99 without. */
  readonly lone_beside_flood?: number;
  /** The largest ratio of the deep page's time over the first page's. */
  readonly deep_page_vs_first?: number;
  /** The largest ratio of a discovery call's time over that of its bare statement, of their p50 and of their p99. */
  readonly discovery_vs_sql_p50?: number;
  readonly discovery_vs_sql_p99?: number;
  /** The most ms that the p99 of a discovery call takes beyond twice that of its bare statement. */
  readonly discovery_ms_beyond_twice_sql?: number;
  /** The most µs an event that a reconstruction takes beyond its bare statement, at the median. */
  readonly reconstruction_us_an_event?: number;
  /** Of a reconstruction, and of its bare statement: p50 in the larger store over that in the smaller. */
  readonly reconstruction_large_vs_small?: number;
  readonly reconstruction_sql_large_vs_small?: number;
  /** Events a second of ingest that the log costs, in percent, where all cores are busy; and CPU more at a third of that rate. */
  readonly log_cost_percent?: number;
  readonly log_idle_cpu_percent?: number;
  /** Events of a chain that VerifyChain verifies for each second of CPU of the service. */
  readonly verify_chain_per_core?: number;
  /** Exports over COPY TO STDOUT, in events a second. */
  readonly export_bundle_vs_copy?: number;
  readonly export_jsonl_vs_copy?: number;
  /** p50 of an inclusion proof in the largest tree over that in the smallest. */
  readonly proof_large_vs_small?: number;
  readonly writing: Readonly<Record<string, Sample & { readonly rounds: readonly number[] }>>;
  readonly lone?: LoneResult;
  readonly pages?: PagesResult;
  readonly discovery?: DiscoveryResult;
  readonly reconstruction?: ReconstructionResult;
  readonly log?: LogResult;
  readonly overload?: OverloadResult;
}

interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly postgres: string;
}

export interface Findings {
  readonly postgresVersion: string;
  readonly rounds: number;
  readonly quick: boolean;
  /** By the name of the side. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  readonly lone: LoneResult | undefined;
  readonly pages: PagesResult | undefined;
  readonly discovery: DiscoveryResult | undefined;
  readonly reconstruction: ReconstructionResult | undefined;
  readonly log: LogResult | undefined;
  readonly overload: OverloadResult | undefined;
}

export function makeReport(findings: Findings): Report {
  const { postgresVersion, rounds, quick, samples, lone, pages, discovery, reconstruction, log, overload } = findings;
  const rate = (name: string) => {
    const taken = samples.get(name);
    return taken && summarize(taken).eventsPerSecond;
  };
  const best = bestRate([1, 8, 64].map((streams) => rate(ingestName(1000, streams))));
  const deepest = pages && Math.max(...pages.orders.map(({ ratio }) => ratio));
  const worst = (figure: "ratio_p50" | "ratio_p99" | "ms_beyond_twice") =>
    discovery && Math.max(...discovery.asked.map((asked) => asked[figure]));
  return {
    machine: machine(postgresVersion),
    events: eventFacts(),
    rounds,
    quick,
    ...given("ingest_vs_copy", ratio(best, rate(BASELINES.copy))),
    ...given("ingest_vs_row_insert", ratio(best, rate(BASELINES.rows))),
    ...given("single_vs_batch", ratio(rate(ingestName(1, 64)), best)),
    ...given("lone_beside_flood", lone?.ratio),
    ...given("deep_page_vs_first", deepest),
    ...given("discovery_vs_sql_p50", worst("ratio_p50")),
    ...given("discovery_vs_sql_p99", worst("ratio_p99")),
    ...given("discovery_ms_beyond_twice_sql", worst("ms_beyond_twice")),
    ...given("reconstruction_us_an_event", reconstruction?.us_an_event),
    ...given("reconstruction_large_vs_small", reconstruction?.large_vs_small),
    ...given("reconstruction_sql_large_vs_small", reconstruction?.sql_large_vs_small),
    ...given("log_cost_percent", log?.cost.saturated.rate_percent),
    ...given("log_idle_cpu_percent", log?.cost.idle.cpu_percent),
    ...given("verify_chain_per_core", log?.chain.events_per_service_second),
    ...given("export_bundle_vs_copy", log?.exports.bundle_vs_copy),
    ...given("export_jsonl_vs_copy", log?.exports.jsonl_vs_copy),
    ...given("proof_large_vs_small", ratio(log?.proofs.at(-1)?.p50_ms, log?.proofs[0]?.p50_ms)),
    writing: Object.fromEntries(
      [...samples].map(([name, taken]) => [
        name,
        { ...summarize(taken), rounds: taken.map(({ eventsPerSecond }) => Math.round(eventsPerSecond)) },
      ]),
    ),
    ...given("lone", lone),
    ...given("pages", pages),
    ...given("discovery", discovery),
    ...given("reconstruction", reconstruction),
    ...given("log", log),
    ...given("overload", overload),
  };
}

function given<Name extends string, T>(name: Name, value: T | undefined): { [key in Name]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [key in Name]?: T };
}

function ingestName(batch: number, streams: number): string {
  return loadName({ rpc: "IngestEvents", batch, streams });
}

function bestRate(rates: readonly (number | undefined)[]): number | undefined {
  const known = rates.filter((rate) => rate !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function ratio(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one / other;
}

function machine(postgres: string): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cpus: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    postgres,
  };
}

/** The report for people. */
export function reportText(report: Report): string {
  const { machine: of, events } = report;
  const lines = [
    `${of.cpus} × ${of.cpu}, ${of.memoryGiB} GiB · Node ${of.node} · PostgreSQL ${of.postgres}, fsync and synchronous_commit on, autovacuum off`,
    `Events like ${events.sample}: payloads of ${events.meanPayloadBytes} bytes on average (median ${events.medianPayloadBytes}, at most ${events.largestPayloadBytes}), ` +
      `${events.meanEventBytes} bytes on the wire, ${events.eventsPerCorrelation} a correlation`,
    `Medians of ${report.rounds} ${report.rounds === 1 ? "round" : "rounds"}${report.quick ? "; --quick: counts too small to mean anything" : ""}`,
    "",
    ...writingTable(report),
    ...loneLines(report.lone),
    ...pagesLines(report.pages),
    ...discoveryLines(report.discovery),
    ...reconstructionLines(report.reconstruction),
    ...logLines(report.log),
    ...overloadLines(report.overload),
    ...ratioLines(report),
  ];
  return lines.join("\n");
}

const NAME_WIDTH = 36;

function writingTable({ writing }: Report): string[] {
  const rows = Object.entries(writing);
  if (rows.length === 0) return [];
  const row = (name: string, cells: readonly string[]) =>
    name.padEnd(NAME_WIDTH) + cells.map((cell) => cell.padStart(12)).join("");
  return [
    row("events a message × streams", ["events/s", "p50 ms", "p99 ms", "service", "PostgreSQL", "client"]),
    row("", ["", "", "", "µs/event", "µs/event", "µs/event"]),
    ...rows.map(([name, { eventsPerSecond, p50Ms, p99Ms, cpu }]) =>
      row(name, [
        digits(eventsPerSecond, 0),
        digits(p50Ms, 1),
        digits(p99Ms, 1),
        digits(cpu.service, 1),
        digits(cpu.postgres, 1),
        digits(cpu.client, 1),
      ]),
    ),
    "",
  ];
}

function digits(value: number, count: number): string {
  return Number.isNaN(value) ? "–" : value.toFixed(count);
}

function loneLines(lone: LoneResult | undefined): string[] {
  if (lone === undefined) return [];
  const times = ({ p50Ms, p99Ms }: { p50Ms: number; p99Ms: number }) =>
    `p50 ${digits(p50Ms, 1)} ms, p99 ${digits(p99Ms, 1)} ms`;
  return [
    `RecordEvents of one event, alone:            ${times(lone.alone)}`,
    `the same beside a stream of ${digits(lone.floodEventsPerSecond, 0)} events/s:  ${times(lone.besideFlood)}`,
    "",
  ];
}

function pagesLines(pages: PagesResult | undefined): string[] {
  if (pages === undefined) return [];
  return [
    `ListEvents, ${pages.pageSize} events a page, ${pages.rows} rows:`,
    ...pages.orders.map(
      ({ name, firstMs, deepMs, ratio: value }) =>
        `  ${name.padEnd(18)} page 1: ${digits(firstMs, 2)} ms, page ${pages.deepPage}: ${digits(deepMs, 2)} ms, ratio ${digits(value, 2)}`,
    ),
    "",
  ];
}

/** The ratios and the marks that they are held against. */
function ratioLines(report: Report): string[] {
  const marks: [string, number | undefined, string][] = [
    ["ingest_vs_copy", report.ingest_vs_copy, "0.6 or more"],
    ["ingest_vs_row_insert", report.ingest_vs_row_insert, "8 or more"],
    ["single_vs_batch", report.single_vs_batch, "0.33 or more"],
    ["lone_beside_flood", report.lone_beside_flood, "5 or less"],
    ["deep_page_vs_first", report.deep_page_vs_first, "about 1"],
    ["discovery_vs_sql_p50", report.discovery_vs_sql_p50, "2 or less"],
    ["discovery_vs_sql_p99", report.discovery_vs_sql_p99, "2 or less, but for the ms a call of the next line"],
    ["discovery_ms_beyond_twice_sql", report.discovery_ms_beyond_twice_sql, "4 or less"],
    ["reconstruction_us_an_event", report.reconstruction_us_an_event, "20 or less, µs beyond the statement"],
    ["reconstruction_large_vs_small", report.reconstruction_large_vs_small, "about 1"],
    ["reconstruction_sql_large_vs_small", report.reconstruction_sql_large_vs_small, "about 1"],
    ["log_cost_percent", report.log_cost_percent, "20 or less, all cores busy"],
    ["log_idle_cpu_percent", report.log_idle_cpu_percent, "10 or less"],
    ["verify_chain_per_core", report.verify_chain_per_core, "100000 or more"],
    ["export_bundle_vs_copy", report.export_bundle_vs_copy, "0.5 or more"],
    ["export_jsonl_vs_copy", report.export_jsonl_vs_copy, "0.5 or more"],
    ["proof_large_vs_small", report.proof_large_vs_small, "the logarithm's, at most"],
  ];
  return marks
    .filter(([, value]) => value !== undefined)
    .map(([name, value, mark]) => `${name.padEnd(34)}${digits(value ?? Number.NaN, 2).padStart(6)}   mark: ${mark}`);
}

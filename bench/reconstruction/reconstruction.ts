import { ReconstructionService } from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { openPool } from "../../src/postgres/pool.ts";
import { type BareSql, openBareSql } from "../catalog/bare_sql.ts";
import type { BenchDatabase } from "../database.ts";
import { GrpcConnection } from "../grpc.ts";
import type { Options } from "../options.ts";
import { startService } from "../processes.ts";
import { Filling, type RecordedTrace, record } from "./store.ts";
import { TraceComparison, type TraceTimes } from "./timing.ts";

/** Latencies of reconstruction beside those of its statement, in a small store and in a large one. */
export interface ReconstructionResult {
  /** What sent the bare statements. */
  readonly sql_by: BareSql["name"];
  /** The small one, then the large one. */
  readonly stores: readonly StoreTimes[];
  /** The most µs an event that a reconstruction takes beyond its statement at the median, of all stores and traces. */
  readonly us_an_event: number;
  /** p50 in the large store over that in the small one, of the shorter trace. */
  readonly large_vs_small: number;
  readonly sql_large_vs_small: number;
}

/** Traces among so many events of other remediations. */
export interface StoreTimes {
  readonly others: number;
  readonly traces: readonly TraceTimes[];
}

interface Sizes {
  /** Calls by which the traces are recorded. */
  readonly calls: number;
  /** Events of others, a multiple of those recorded with the traces. */
  readonly others: readonly number[];
  /** A remediation of the usual length and a very long one, how often each is tried, and how often before that counts. */
  readonly traces: readonly (RecordedTrace & { readonly tries: number; readonly warmUp: number })[];
}

const FULL: Sizes = {
  calls: 50,
  others: [100_000, 5_000_000],
  traces: [
    { correlationId: "rr-bench-usual", events: 200, tries: 200, warmUp: 50 },
    { correlationId: "rr-bench-long", events: 10_000, tries: 10, warmUp: 3 },
  ],
};

const QUICK: Sizes = {
  calls: 2,
  others: [1600, 4000],
  traces: [
    { correlationId: "rr-bench-usual", events: 200, tries: 3, warmUp: 1 },
    { correlationId: "rr-bench-long", events: 400, tries: 3, warmUp: 1 },
  ],
};

type Progress = (text: string) => void;

/** Records traces among events of others and measures them there, then again among many more. */
export async function measureReconstruction(
  database: BenchDatabase,
  { rounds, quick, profile }: Pick<Options, "rounds" | "quick" | "profile">,
  progress: Progress,
): Promise<ReconstructionResult> {
  const { calls, others, traces } = quick ? QUICK : FULL;
  const { url, close } = await database.another("reconstruction");
  const sql = openPool({ url, connections: 2, applicationName: "bench", statementTimeoutMs: 0 });
  const service = await startService(url, profile);
  const bare = await openBareSql(withoutWorkers(url));
  try {
    progress("reconstruction: recording the traces");
    const filling = await Filling.begin(sql, await record(service.address, calls, traces), traces, progress);
    const connection = await GrpcConnection.open(service.address, ReconstructionService.typeName);
    const stores: StoreTimes[] = [];
    for (const count of others) {
      await filling.upTo(count);
      await database.settle();
      const compared = traces.map((trace) => new TraceComparison(trace, connection, bare));
      for (let round = 1; round <= rounds; round++) {
        progress(`reconstruction: among ${count} other events, round ${round} of ${rounds}`);
        for (const [index, { warmUp, tries }] of traces.entries()) await compared[index]?.measure(warmUp, tries);
      }
      stores.push({ others: count, traces: compared.map((one) => one.result()) });
    }
    connection.close();
    return { sql_by: bare.name, stores, ...figures(stores) };
  } finally {
    await bare.close();
    await service.stop();
    await sql.end({ timeout: 1 });
    await close();
  }
}

/**
 * For the bare statement: the service fetches its rows some at a time, for which PostgreSQL starts no parallel workers. Beyond
 * that, the settings of the service's connections.
 */
function withoutWorkers(url: string): string {
  const settings = "-c plan_cache_mode=force_custom_plan -c jit=off -c max_parallel_workers_per_gather=0";
  return `${url}${url.includes("?") ? "&" : "?"}options=${encodeURIComponent(settings)}`;
}

function figures(stores: readonly StoreTimes[]): Omit<ReconstructionResult, "sql_by" | "stores"> {
  const beyond = stores.flatMap(({ traces }) => traces.map(({ reconstruct }) => reconstruct.us_an_event_p50));
  const [small, large] = [stores[0]?.traces[0], stores.at(-1)?.traces[0]] as [TraceTimes, TraceTimes];
  return {
    us_an_event: Math.max(...beyond),
    large_vs_small: large.reconstruct.p50_ms / small.reconstruct.p50_ms,
    sql_large_vs_small: large.sql.p50_ms / small.sql.p50_ms,
  };
}

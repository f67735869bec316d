import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  GetTimelineRequestSchema,
  ReconstructRemediationRequestRequestSchema,
  ReconstructRemediationRequestResponseSchema,
} from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import type { Statement } from "../../src/postgres/statement.ts";
import { traceStatement } from "../../src/reconstruction/query/trace_statement.ts";
import type { BareSql } from "../catalog/bare_sql.ts";
import type { Call } from "../catalog/calls.ts";
import { medianTimes, type Times, timed, timesOf } from "../catalog/timing.ts";
import { envelope, type GrpcConnection } from "../grpc.ts";
import type { RecordedTrace } from "./store.ts";

/** How long a trace takes, side by side; of several rounds the medians. */
export interface TraceTimes {
  readonly events: number;
  /** The statement that the service sends, with the same values and nothing around it. */
  readonly sql: Times;
  /** ReconstructRemediationRequest, from the call to the last byte of the reply. */
  readonly reconstruct: Times & Beyond;
  /** GetTimeline. */
  readonly timeline: Times & Beyond;
}

/** What a call takes beyond the statement, in µs for each event of the trace. */
interface Beyond {
  readonly us_an_event_p50: number;
  readonly us_an_event_p99: number;
}

const SIDES = ["sql", "reconstruct", "timeline"] as const;
type Side = (typeof SIDES)[number];

/** A trace, rebuilt and read as bare SQL. */
export class TraceComparison {
  readonly #trace: RecordedTrace;
  readonly #connection: GrpcConnection;
  readonly #bare: BareSql;
  readonly #statement: Statement;
  readonly #calls: { readonly reconstruct: Call; readonly timeline: Call };
  readonly #rounds: Record<Side, Times[]> = { sql: [], reconstruct: [], timeline: [] };

  constructor(trace: RecordedTrace, connection: GrpcConnection, bare: BareSql) {
    this.#trace = trace;
    this.#connection = connection;
    this.#bare = bare;
    this.#statement = traceStatement(trace.correlationId);
    this.#calls = { reconstruct: reconstructCall(trace), timeline: timelineCall(trace) };
  }

  /** A round: `warmUp` tries that do not count, then so many of each side in turn. Another side begins with every try. */
  async measure(warmUp: number, tries: number): Promise<void> {
    await this.#check();
    const times: Record<Side, number[]> = { sql: [], reconstruct: [], timeline: [] };
    for (let one = 0; one < warmUp + tries; one++) {
      for (let turn = 0; turn < SIDES.length; turn++) {
        const side = SIDES[(one + turn) % SIDES.length] as Side;
        times[side].push(await this.#time(side));
      }
    }
    for (const side of SIDES) this.#rounds[side].push(timesOf(times[side].slice(warmUp)));
  }

  /** Medians of the rounds so far. */
  result(): TraceTimes {
    const { events } = this.#trace;
    const sql = medianTimes(this.#rounds.sql);
    const call = (side: Side) => {
      const times = medianTimes(this.#rounds[side]);
      return {
        ...times,
        us_an_event_p50: ((times.p50_ms - sql.p50_ms) * 1000) / events,
        us_an_event_p99: ((times.p99_ms - sql.p99_ms) * 1000) / events,
      };
    };
    return { events, sql, reconstruct: call("reconstruct"), timeline: call("timeline") };
  }

  async #time(side: Side): Promise<number> {
    if (side !== "sql") return (await timed(this.#connection, this.#calls[side])).ms;
    const { ms, rows } = await this.#bare.run(this.#statement);
    if (rows !== this.#trace.events) throw new Error(`the statement gives ${rows} of ${this.#trace.events} events`);
    return ms;
  }

  /** A reply that is wrong would be measured all the same. */
  async #check(): Promise<void> {
    const { answer } = await timed(this.#connection, this.#calls.reconstruct);
    const { reconstruction } = fromBinary(ReconstructRemediationRequestResponseSchema, answer);
    const { eventsRead, chain } = reconstruction ?? {};
    if (eventsRead !== this.#trace.events || chain?.verified !== true || chain.eventsChecked !== eventsRead) {
      throw new Error(`${this.#trace.correlationId}: ${eventsRead} events read; the chain: ${chain?.problem}`);
    }
  }
}

function reconstructCall({ correlationId }: RecordedTrace): Call {
  const request = create(ReconstructRemediationRequestRequestSchema, { correlationId });
  return {
    method: "ReconstructRemediationRequest",
    framed: envelope(toBinary(ReconstructRemediationRequestRequestSchema, request)),
  };
}

function timelineCall({ correlationId }: RecordedTrace): Call {
  const request = create(GetTimelineRequestSchema, { correlationId });
  return { method: "GetTimeline", framed: envelope(toBinary(GetTimelineRequestSchema, request)) };
}

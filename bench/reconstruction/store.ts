import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  RecordEventsRequestSchema,
  RecordEventsResponseSchema,
  RecordOutcome,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Sql } from "../../src/postgres/pool.ts";
import { EventSource, LongRemediation } from "../events.ts";
import { envelope, GrpcConnection } from "../grpc.ts";

/** A remediation that is recorded, to be rebuilt. */
export interface RecordedTrace {
  readonly correlationId: string;
  readonly events: number;
}

type Progress = (text: string) => void;

const OTHERS_A_CALL = 400;

/**
 * Records traces by way of the service, a few events of each with every call among those of other remediations, so that they
 * lie apart in the table as in life. Gives how many others there are.
 */
export async function record(address: string, calls: number, traces: readonly RecordedTrace[]): Promise<number> {
  const connection = await GrpcConnection.open(address);
  const others = new EventSource();
  const sources = traces.map(({ correlationId, events }) => ({
    source: new LongRemediation(correlationId),
    aCall: events / calls,
  }));
  for (let call = 0; call < calls; call++) {
    const events = [others.take(OTHERS_A_CALL), ...sources.map(({ source, aCall }) => source.take(aCall))].flat();
    const request = create(RecordEventsRequestSchema, { events });
    const answer = await connection.unary("RecordEvents", envelope(toBinary(RecordEventsRequestSchema, request)));
    const { results } = fromBinary(RecordEventsResponseSchema, answer);
    const recorded = results.filter(({ outcome }) => outcome === RecordOutcome.RECORDED).length;
    if (recorded !== events.length) throw new Error(`${recorded} of ${events.length} events were recorded`);
  }
  connection.close();
  return calls * OTHERS_A_CALL;
}

/** Days over which copies are spread: some months, each a partition. */
const SPREAD_DAYS = 180;
/** Rows of one statement. */
const ROWS_AT_ONCE = 250_000;
const GIN = "idx_audit_events_event_data_gin";

/** Grows a store by copies of what others recorded. */
export class Filling {
  readonly #sql: Sql;
  readonly #recorded: number;
  readonly #progress: Progress;
  #copies = 0;

  private constructor(sql: Sql, recorded: number, progress: Progress) {
    this.#sql = sql;
    this.#recorded = recorded;
    this.#progress = progress;
  }

  /** `recorded`: how many events of others there are; all but those of `traces`. `sql` may have several connections. */
  static async begin(sql: Sql, recorded: number, traces: readonly RecordedTrace[], progress: Progress) {
    const names = traces.map(({ correlationId }) => correlationId);
    await sql.unsafe(MONTHS, [String(SPREAD_DAYS)]);
    await sql.unsafe(
      `CREATE UNLOGGED TABLE others AS SELECT * FROM audit_events WHERE correlation_id NOT IN (${names.map((name) => `'${name}'`)})`,
    );
    await sql.unsafe("ANALYZE others");
    return new Filling(sql, recorded, progress);
  }

  /** Copies until there are so many events of others, a multiple of those recorded; statistics are fresh then. */
  async upTo(others: number): Promise<void> {
    const until = others / this.#recorded - 1;
    const atOnce = Math.max(1, Math.floor(ROWS_AT_ONCE / this.#recorded));
    const large = until - this.#copies > atOnce;
    // Made anew at the end in a tenth of the time that it takes to keep it up to date.
    const definition = large ? await this.#dropIndex() : undefined;
    const work = async () => {
      while (this.#copies < until) {
        const first = this.#copies + 1;
        this.#copies = Math.min(until, this.#copies + atOnce);
        await this.#sql.unsafe(COPY, [String(first), String(this.#copies), String(SPREAD_DAYS)]);
        if (large)
          this.#progress(`reconstruction: up to ${(this.#copies + 1) * this.#recorded} of ${others} events are there`);
      }
    };
    await Promise.all([work(), work()]);
    if (definition !== undefined) {
      this.#progress("reconstruction: making the index over payloads");
      await this.#sql.unsafe(`SET maintenance_work_mem = '512MB'; ${definition}`);
    }
    for (const table of ["audit_events", "audit_event_ids", "audit_chain_heads"]) {
      await this.#sql.unsafe(`VACUUM (ANALYZE) ${table}`);
    }
  }

  async #dropIndex(): Promise<string> {
    const [index] = await this.#sql.unsafe<{ text: string }[]>(`SELECT pg_get_indexdef('${GIN}'::regclass) AS text`);
    await this.#sql.unsafe(`DROP INDEX ${GIN}`);
    // As it stands it would be made for none of the months.
    return (index?.text ?? "").replace(" ON ONLY ", " ON ");
  }
}

const MONTHS = `
  SELECT create_audit_events_month(month::date)
  FROM generate_series(date_trunc('month', now() - $1::text::integer * interval '1 day'), now(), '1 month') AS month`;

const SAME_COLUMNS = `event_version, event_type, event_category, event_action, event_outcome, actor_type, actor_id,
  resource_type, resource_id, parent_event_id, parent_event_date, namespace, cluster_name, event_data, severity, duration_ms,
  error_code, error_message, retention_days, is_sensitive, recorded_by, event_hash, previous_event_hash, chain_position`;

/** Copies number $1 to $2 of what others recorded: each event has an id, a correlation and a time of its own. */
const COPY = `
  WITH copied AS (
    INSERT INTO audit_events (event_id, correlation_id, event_timestamp, event_date, recorded_time, ${SAME_COLUMNS})
    SELECT uuidv7(-back), correlation_id || '-' || copy, event_timestamp - back,
      ((event_timestamp - back) AT TIME ZONE 'UTC')::date, recorded_time - back, ${SAME_COLUMNS}
    FROM generate_series($1::text::integer, $2::text::integer) AS copy,
      LATERAL (SELECT copy * 37 % $3::text::integer * interval '1 day') AS shift (back), others
    RETURNING event_id, event_date, correlation_id, chain_position, event_hash, previous_event_hash
  ), ids AS (
    INSERT INTO audit_event_ids (event_id, event_date, chain_position, salt, submission_digest)
    SELECT event_id, event_date, chain_position, decode(md5(event_id::text), 'hex'), decode(event_hash, 'hex') FROM copied
  )
  INSERT INTO audit_chain_heads (correlation_id, chain_position, event_hash, previous_hash)
  SELECT DISTINCT ON (correlation_id) correlation_id, chain_position, event_hash, previous_event_hash
  FROM copied ORDER BY correlation_id, chain_position DESC`;

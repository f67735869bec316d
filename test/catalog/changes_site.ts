import postgres, { type Sql } from "postgres";
import type { PreparedEvent } from "../../src/audit/prepare.ts";
import { CatalogChanges } from "../../src/catalog/change/changes.ts";
import { ACTION_TYPE_COLUMNS, type ActionTypeRow, WORKFLOW_COLUMNS, type WorkflowRow } from "../../src/catalog/rows.ts";
import { Partitions } from "../../src/custody/partitions.ts";
import { Fault } from "../../src/fault.ts";
import { Database } from "../../src/postgres/database.ts";
import { check } from "../fsck/damaged_store.ts";
import type { Scope } from "../support/audit_service.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

/** An event as a test compares it. */
export interface ToldEvent {
  readonly event_type: string;
  readonly event_outcome: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly actor_id: string;
  readonly recorded_by: string;
  readonly event_data: Readonly<Record<string, unknown>>;
}

/** The changes of a catalog of the test's own, and a look at what they leave. */
export interface ChangesSite {
  readonly database: TestDatabase;
  readonly changes: CatalogChanges;
  /** The database as the application's user, as whom the changes run. */
  readonly sql: Sql;
  /** The database as its superuser. */
  readonly admin: Sql;
  /** What the changes told of their events and of defects. */
  readonly recorded: PreparedEvent[];
  readonly defects: unknown[];
  /** Rows as the catalog's readers read them; of one name, or all. */
  workflows(name?: string): Promise<WorkflowRow[]>;
  actionType(name: string): Promise<ActionTypeRow | undefined>;
  /** The events of one change, in the order of their chain. */
  events(correlationId: string): Promise<ToldEvent[]>;
  /** How many rows of events, ids and heads there are, and the last revision. */
  counts(): Promise<readonly number[]>;
  /** What `datastorage fsck` finds wrong: nothing, in a whole store. */
  faults(): Promise<string[]>;
}

/** Makes the database; it and the connections are gone when the scope ends. */
export async function openChangesSite(scope: Scope, statementTimeoutMs = 10_000): Promise<ChangesSite> {
  const database = await createDatabase("catalog");
  const pool = new Database({ url: database.url, connections: 8, applicationName: "test", statementTimeoutMs });
  const options = { max: 1, fetch_types: false, onnotice: () => {}, types: TEXT_TIMES as never };
  const sql = postgres(database.url, { ...options, connection: { TimeZone: "UTC" } as never });
  const admin = postgres(database.adminUrl, { max: 2, onnotice: () => {} });
  scope.after(async () => {
    await Promise.all([pool.end(), sql.end(), admin.end()]);
    await database.drop();
  });
  const partitions = new Partitions(pool, { monthsAhead: 1, retentionDays: 2555, now: () => new Date() });
  await partitions.ensureAhead();
  const recorded: PreparedEvent[] = [];
  const defects: unknown[] = [];
  const changes = new CatalogChanges({
    database: pool,
    ensureMonths: (dates) => partitions.ensureMonths(dates),
    onRecorded: (events) => void recorded.push(...events),
    onDefect: (error) => void defects.push(error),
  });
  return {
    database,
    changes,
    sql,
    admin,
    recorded,
    defects,
    workflows: async (name) => [
      ...(await sql.unsafe<WorkflowRow[]>(
        `SELECT ${WORKFLOW_COLUMNS} FROM remediation_workflow_catalog
         WHERE $1::text IS NULL OR workflow_name = $1 ORDER BY workflow_name, version`,
        [name ?? null],
      )),
    ],
    actionType: async (name) =>
      (
        await sql.unsafe<ActionTypeRow[]>(
          `SELECT ${ACTION_TYPE_COLUMNS} FROM action_type_taxonomy WHERE action_type = $1`,
          [name],
        )
      )[0],
    events: async (correlationId) =>
      (
        await admin<ToldEvent[]>`
          SELECT event_type, event_outcome, resource_type, resource_id, actor_id, recorded_by, event_data
          FROM audit_events WHERE correlation_id = ${correlationId} ORDER BY chain_position`
      ).map((row) => ({ ...row })),
    counts: async () => {
      const [row] = await admin<{ counts: number[] }[]>`
        SELECT ARRAY[
          (SELECT count(*) FROM audit_events), (SELECT count(*) FROM audit_event_ids),
          (SELECT count(*) FROM audit_chain_heads), (SELECT count(*) FROM remediation_workflow_catalog),
          (SELECT count(*) FROM action_type_taxonomy),
          (SELECT coalesce(sum(revision), 0) FROM remediation_workflow_catalog),
          (SELECT coalesce(sum(revision), 0) FROM action_type_taxonomy)]::int[] AS counts`;
      return row?.counts ?? [];
    },
    faults: async () => (await check(database.url)).lines,
  };
}

/** Times as PostgreSQL's text, as the service reads them. */
const TEXT_TIMES = {
  date: { to: 1184, from: [1082, 1114, 1184], serialize: (text: string) => text, parse: (text: string) => text },
};

/** What a call came to: its value, or the reason for which it was refused. */
export async function outcomeOf<T>(call: Promise<T>): Promise<{ value?: T; reason?: string; fault?: Fault }> {
  try {
    return { value: await call };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { reason: error.details.reason, fault: error };
  }
}

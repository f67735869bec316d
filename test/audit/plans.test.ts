// Pages open the partitions of their time and walk an index in their order: asserted on PostgreSQL's own plans, both for the
// values at hand and for the plan that a prepared statement settles on.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { planFind, planGet, planPage } from "../../src/audit/read/plan.ts";
import type { EventQuery } from "../../src/audit/read/query.ts";
import { planEvents, planRunsOfChain, planSight } from "../../src/audit/read/walk_statements.ts";
import { openPool } from "../../src/postgres/pool.ts";
import type { Statement } from "../../src/postgres/statement.ts";
import { newEvent, outcomes, startAuditService } from "../support/audit_service.ts";

const service = await startAuditService({ after });
const MONTHS = ["2026-03", "2026-04", "2026-05"] as const;
const events = MONTHS.flatMap((month, place) =>
  Array.from({ length: 1000 }, (_, index) =>
    newEvent({
      eventTimestamp: timestampFromDate(new Date(Date.parse(`${month}-02T00:00:00Z`) + index * 600_000)),
      eventType: `kind${index % 20}.of.event`,
      correlationId: `rr-${place}-${index % 50}`,
      payload: { case: "eventData", value: { number: index } },
    }),
  ),
);
for (let start = 0; start < events.length; start += 1000) {
  const { results } = await service.client.recordEvents({ events: events.slice(start, start + 1000) });
  assert.deepEqual(new Set(outcomes(results)), new Set(["RECORDED"]));
}
await service.admin.unsafe("ANALYZE audit_events; ANALYZE audit_event_ids");
const sql = openPool({ url: service.database.url, connections: 1, applicationName: "plans", statementTimeoutMs: 0 });
service.closeFirst(() => sql.end());

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Loops": number;
  readonly "Actual Rows": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly PlanNode[];
}

/** The nodes of a statement's plan that were executed. */
async function executed({ text, parameters }: Statement, mode: "custom" | "generic"): Promise<PlanNode[]> {
  const values = parameters.map((value) => `'${value.replaceAll("'", "''")}'`).join();
  await sql.unsafe(`SET plan_cache_mode = force_${mode}_plan`);
  await sql.unsafe(`PREPARE explained AS ${text}`);
  const run = `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE explained${values && `(${values})`}`;
  const [row] = await sql.unsafe<{ "QUERY PLAN": [{ Plan: PlanNode }] }[]>(run).simple();
  await sql.unsafe("DEALLOCATE explained");
  const plan = row?.["QUERY PLAN"] as unknown;
  const [{ Plan }] = (typeof plan === "string" ? JSON.parse(plan) : plan) as [{ Plan: PlanNode }];
  const all = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(all)];
  return all(Plan).filter((node) => node["Actual Loops"] > 0);
}

const partitions = (nodes: readonly PlanNode[]) =>
  [...new Set(nodes.map((node) => node["Relation Name"] ?? ""))]
    .filter((name) => name.startsWith("audit_events_"))
    .sort();

/** Nodes that read events, of the partitions that hold some: others are so small that the planner may take any way. */
function scans(nodes: readonly PlanNode[]): PlanNode[] {
  const full = MONTHS.map((month) => `audit_events_${month.replace("-", "_")}`);
  return nodes.filter((node) => full.includes(node["Relation Name"] ?? ""));
}

const QUERY: EventQuery = {
  eventTypes: [],
  eventTypePrefixes: [],
  eventCategories: [],
  eventOutcomes: [],
  severities: [],
  exact: {},
  order: "event_timestamp desc",
};
const APRIL = { startTime: "2026-04-01T00:00:00.000000Z", endTime: "2026-04-30T23:59:59.000000Z" };
const CURSOR = { timestamp: "2026-04-03T00:00:00.000000Z", eventId: events[1500]?.eventId as string };

for (const mode of ["custom", "generic"] as const) {
  test(`a time range opens its own months alone (${mode} plan)`, async () => {
    for (const order of ["event_timestamp desc", "event_timestamp"] as const) {
      const nodes = await executed(planPage({ ...QUERY, ...APRIL, order }, undefined, 101, 20_000), mode);
      assert.deepEqual(partitions(nodes), ["audit_events_2026_04"]);
    }
    const filtered = { ...QUERY, ...APRIL, severities: ["high"], exact: { namespace: "shop" } };
    assert.deepEqual(partitions(await executed(planPage(filtered, undefined, 101, 20_000), mode)), [
      "audit_events_2026_04",
    ]);
  });

  test(`a page walks the index of its order and reads little more than itself (${mode} plan)`, async () => {
    const queries: [string, Statement, RegExp][] = [
      ["by time", planPage(QUERY, undefined, 101, 20_000), /event_timestamp_event_id/],
      ["by time, from a cursor", planPage(QUERY, CURSOR, 101, 20_000), /event_timestamp_event_id/],
      [
        "up in time, from a cursor",
        planPage({ ...QUERY, order: "event_timestamp" }, CURSOR, 101, 20_000),
        /event_timestamp_event_id/,
      ],
      ["one type", planPage({ ...QUERY, eventTypes: ["kind3.of.event"] }, undefined, 11, 20_000), /event_type/],
      [
        "three types",
        planPage({ ...QUERY, eventTypes: ["kind3.of.event", "kind4.of.event", "none"] }, CURSOR, 11, 20_000),
        /event_type/,
      ],
      ["a correlation", planPage({ ...QUERY, correlationId: "rr-1-7" }, undefined, 11, 20_000), /correlation_id/],
      [
        "a chain",
        planPage({ ...QUERY, correlationId: "rr-1-7", order: "chain_position" }, { position: 5 }, 11, 20_000),
        /correlation_id_chain/,
      ],
    ];
    for (const [name, statement, index] of queries) {
      const nodes = await executed(statement, mode);
      for (const node of nodes.filter((one) => one["Node Type"] === "Sort")) {
        assert.ok(node["Actual Rows"] <= 110, `${name}: ${node["Actual Rows"]} rows are sorted`);
      }
      const reading = scans(nodes);
      assert.ok(reading.length > 0, name);
      for (const node of reading) {
        assert.match(`${node["Index Name"] ?? node["Node Type"]}`, index, name);
        assert.ok(node["Actual Rows"] <= 110, `${name}: ${node["Actual Rows"]} rows of ${node["Relation Name"]}`);
      }
    }
  });

  test(`an event is read by its id from one partition (${mode} plan)`, async () => {
    const nodes = await executed(planGet(events[1234]?.eventId as string), mode);
    assert.deepEqual(partitions(nodes), ["audit_events_2026_04"]);
    const read = nodes.filter((node) => node["Relation Name"]?.startsWith("audit_event"));
    assert.deepEqual(
      read.filter((node) => node["Node Type"] === "Seq Scan"),
      [],
    );
  });
}

test("a walk along the log reads the events of its runs by the index of their chains, in their months alone", async () => {
  const part = (place: number, firstIndex: number) => ({
    firstIndex,
    eventCount: 20,
    correlationId: `rr-${place}-${firstIndex % 50}`,
    firstPosition: 1,
    firstDate: `${MONTHS[place]}-02`,
    lastDate: `${MONTHS[place]}-09`,
    runSalt: "00",
  });
  const parts = [
    ...Array.from({ length: 10 }, (_, at) => part(0, 20 * at)),
    ...Array.from({ length: 10 }, (_, at) => part(1, 20 * at)),
  ];
  const filtered = { ...QUERY, severities: ["none"] };
  for (const statement of [planEvents(parts, QUERY, 1000), planSight(parts, filtered)]) {
    const nodes = await executed(statement, "custom");
    assert.deepEqual(partitions(nodes), ["audit_events_2026_03", "audit_events_2026_04"]);
    for (const node of scans(nodes)) {
      assert.match(`${node["Index Name"] ?? node["Node Type"]}`, /correlation_id_chain/);
      assert.equal(node["Actual Loops"], 10);
      assert.equal(node["Actual Rows"], 20);
    }
  }
});

test("who follows a long chain reads its last runs alone", async () => {
  const RUNS = 5000;
  const FIRST = 1_000_000;
  await service.admin`
    INSERT INTO audit_log_runs (first_log_index, event_count, correlation_id, first_position, first_date, last_date, salt)
    SELECT ${FIRST} + 3 * number, 2, 'rr-followed', 1 + 2 * number, '2026-03-01', '2026-03-01', ''
    FROM generate_series(0, ${RUNS - 1}) AS number`;
  await service.admin.unsafe("ANALYZE audit_log_runs");
  const last = FIRST + 3 * (RUNS - 1);
  for (const [from, runs] of [
    [last + 2, 0],
    [last + 1, 1],
    [last, 1],
    [last - 1, 1],
    [last - 2, 2],
  ] as const) {
    const statement = planRunsOfChain("rr-followed", 0, from, last + 3, 2048);
    const nodes = await executed(statement, "custom");
    assert.equal(nodes[0]?.["Actual Rows"], runs, `from ${last} + ${from - last}`);
    const read = nodes
      .filter((node) => node["Relation Name"] === "audit_log_runs")
      .map((node) => node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0));
    assert.ok(read.length > 0 && Math.max(...read) <= 3, `reads ${read} runs`);
  }
});

test("a filter that no index serves looks at the scan budget and no further", async () => {
  const nodes = await executed(planPage({ ...QUERY, severities: ["none"] }, undefined, 101, 250), "custom");
  assert.equal(Math.max(...scans(nodes).map((node) => node["Actual Rows"])), 250);
});

test("a payload is found by its index, in the months of the time range", async () => {
  const used = async () => {
    await sql.unsafe("SELECT pg_stat_force_next_flush()");
    const rows = await service.admin<{ table: string; scans: number }[]>`
      SELECT relname AS table, idx_scan::int AS scans FROM pg_stat_user_indexes
      WHERE relname LIKE 'audit_events_2026%' AND indexrelname LIKE '%event_data_idx%'`;
    return Object.fromEntries(rows.map(({ table, scans }) => [table, scans]));
  };
  const before = await used();
  const { text, parameters } = planFind({ ...QUERY, ...APRIL }, { number: 77 }, 5000);
  const found = await sql.unsafe(text, [...parameters]);
  assert.deepEqual(
    found.map((row) => row["event_id"]),
    [events[1077]?.eventId],
  );
  const afterwards = await used();
  const growth = Object.keys(afterwards).filter((table) => afterwards[table] !== before[table]);
  assert.deepEqual(growth, ["audit_events_2026_04"]);
});

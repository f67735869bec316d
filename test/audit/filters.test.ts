// Every filter against a plain statement of its rule over the same events in memory.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import { type AuditEvent, EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { EventFilterSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { listAll, newEvent, outcomes, startAuditService } from "../support/audit_service.ts";
import { fuzzSeed } from "../support/fuzz.ts";

type Filter = MessageInitShape<typeof EventFilterSchema>;
type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

const seed = fuzzSeed();
// The smallest budget: a page looks at a hundred candidates, so that most filters need many pages.
const { client } = await startAuditService({ after }, { DATASTORAGE_SCAN_BUDGET: "100" });

const FIRST_SECOND = 1_780_000_000;
const SECONDS = 40;
const moment = fc
  .record({ second: fc.integer({ min: 0, max: SECONDS }), half: fc.boolean() })
  .map(({ second, half }) =>
    create(TimestampSchema, { seconds: BigInt(FIRST_SECOND + second), nanos: half ? 500_000_000 : 0 }),
  );
const type = fc.constantFrom(
  "gateway.signal.received",
  "gateway.crd.created",
  "gatewayx.crd.created",
  "aianalysis.analysis.completed",
  "a.b",
);
const outcome = fc.constantFrom<EventOutcome>(EventOutcome.SUCCESS, EventOutcome.FAILURE, EventOutcome.PENDING);
const value: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue>(
  0,
  1,
  "x",
  "1",
  null,
  true,
  [],
  [1],
  [1, "x"],
  {},
  { x: 1 },
  { x: [1] },
  { x: { y: null } },
);
const object = fc.dictionary(fc.constantFrom("a", "b", "c"), value, { maxKeys: 3 });
const word = (...words: string[]) => fc.constantFrom("", ...words);

const event = fc
  .record({
    eventTimestamp: moment,
    eventType: type,
    eventOutcome: outcome,
    eventCategory: word("custom", 'cu"stom', "a,b", "{}"),
    severity: word("high", "low", "NULL"),
    actorType: word("user"),
    actorId: word("jane", "o'hara"),
    resourceType: word("Pod"),
    resourceId: word("shop/cart", "100%"),
    namespace: word("shop", "sh_p"),
    clusterName: word("eu-1"),
    correlationId: fc.constantFrom("rr-1", "rr-2", "rr-3", "rr\\4"),
    payload: object.map((value) => ({ case: "eventData", value }) as AuditEvent["payload"]),
  })
  .map((fields) => newEvent(fields as object));

const CRITERIA = [
  "correlationId",
  "eventTypes",
  "eventCategories",
  "eventOutcomes",
  "severities",
  "actorType",
  "actorId",
  "resourceType",
  "resourceId",
  "namespace",
  "clusterName",
  "startTime",
  "endTime",
  "eventData",
] as const;
const criteria = fc.record({
  correlationId: fc.constantFrom("rr-1", "rr\\4", "rr-9"),
  eventTypes: fc.array(
    fc.oneof(type, fc.constantFrom("gateway.*", "gateway*", "a.*", "aianalysis.analysis.*", "none")),
    { maxLength: 3 },
  ),
  eventCategories: fc.array(fc.constantFrom("custom", 'cu"stom', "a,b", "{}", "gateway", "analysis"), {
    maxLength: 3,
  }),
  eventOutcomes: fc.uniqueArray(outcome, { maxLength: 2 }),
  severities: fc.array(fc.constantFrom("high", "low", "NULL"), { maxLength: 2 }),
  actorType: fc.constantFrom("user", "service"),
  actorId: fc.constantFrom("jane", "o'hara", "gateway"),
  resourceType: fc.constantFrom("Pod", "RemediationRequest"),
  resourceId: fc.constantFrom("shop/cart", "100%", "rr-1"),
  namespace: fc.constantFrom("shop", "sh_p"),
  clusterName: fc.constantFrom("eu-1", "us-1"),
  startTime: moment,
  endTime: moment,
  eventData: object as fc.Arbitrary<never>,
});
/** One to four criteria at once: more find nothing. */
const filter: fc.Arbitrary<Filter> = fc
  .tuple(criteria, fc.array(fc.constantFrom(...CRITERIA), { minLength: 1, maxLength: 4 }))
  .map(([all, chosen]) => Object.fromEntries(chosen.map((name) => [name, all[name]])) as Filter);
const ORDERS = ["event_timestamp", "event_timestamp desc", "chain_position"];

const events = fc.sample(event, { numRuns: 450, seed });
for (let start = 0; start < events.length; start += 150) {
  const { results } = await client.recordEvents({ events: events.slice(start, start + 150) });
  assert.deepEqual(new Set(outcomes(results)), new Set(["RECORDED"]));
}
const stored = await listAll(client, { pageSize: 1000 });

const compare = (one: Timestamp | undefined, other: Timestamp | undefined) =>
  Number((one?.seconds ?? 0n) - (other?.seconds ?? 0n)) || (one?.nanos ?? 0) - (other?.nanos ?? 0);

/** The rules of EventFilter, one a line. */
function matches(of: Filter, some: AuditEvent): boolean {
  const any = <T>(wanted: readonly T[] | undefined, holds: (one: T) => boolean) =>
    !wanted?.length || wanted.some(holds);
  const same = (wanted: string | undefined, is: string) => !wanted || wanted === is;
  return (
    same(of.correlationId, some.correlationId) &&
    any(of.eventTypes, (name) =>
      name.endsWith("*") ? some.eventType.startsWith(name.slice(0, -1)) : some.eventType === name,
    ) &&
    any(of.eventCategories, (name) => some.eventCategory === name) &&
    any(of.eventOutcomes, (one) => some.eventOutcome === one) &&
    any(of.severities, (name) => some.severity === name) &&
    same(of.actorType, some.actorType) &&
    same(of.actorId, some.actorId) &&
    same(of.resourceType, some.resourceType) &&
    same(of.resourceId, some.resourceId) &&
    same(of.namespace, some.namespace) &&
    same(of.clusterName, some.clusterName) &&
    (of.startTime === undefined || compare(some.eventTimestamp, of.startTime as Timestamp) >= 0) &&
    (of.endTime === undefined || compare(some.eventTimestamp, of.endTime as Timestamp) < 0) &&
    (of.eventData === undefined || contains(some.payload.value as JsonValue, of.eventData as JsonValue))
  );
}

/** jsonb's `@>`. */
function contains(whole: JsonValue, part: JsonValue): boolean {
  if (Array.isArray(part))
    return Array.isArray(whole) && part.every((one) => whole.some((other) => contains(other, one)));
  if (typeof part !== "object" || part === null) return whole === part;
  if (typeof whole !== "object" || whole === null || Array.isArray(whole)) return false;
  return Object.entries(part).every(
    ([key, one]) => Object.hasOwn(whole, key) && contains(whole[key] as JsonValue, one),
  );
}

test("a filter finds what its rule says, all of it and in order, however few candidates a page may look at", async () => {
  let found = 0;
  const property = fc.asyncProperty(
    filter,
    fc.nat(ORDERS.length - 1),
    fc.constantFrom(1000, 60),
    async (of, order, pageSize) => {
      const orderBy = of.correlationId ? ORDERS[order] : ORDERS[order % 2];
      const read = await listAll(client, { filter: of, orderBy: orderBy as string, pageSize });
      const expected = stored.filter((one) => matches(of, one));
      if (orderBy === "chain_position") expected.sort((one, other) => Number(one.chainPosition - other.chainPosition));
      else
        expected.sort(
          (one, other) => compare(one.eventTimestamp, other.eventTimestamp) || (one.eventId < other.eventId ? -1 : 1),
        );
      if (orderBy === "event_timestamp desc") expected.reverse();
      assert.deepEqual(
        read.map(({ eventId }) => eventId),
        expected.map(({ eventId }) => eventId),
      );
      if (read.length > 0) found++;
    },
  );
  await fc.assert(property, { seed, numRuns: 150 });
  console.log(`# ${found} of 150 filters found something`);
  assert.ok(found > 50);
});

test("a page ends where the scan budget is spent, and the next goes on from there", async () => {
  const rare = await client.listEvents({ filter: { resourceId: "nothing is like this" } });
  assert.deepEqual(rare.events, []);
  assert.notEqual(rare.nextPageToken, "", "an empty page is not the end");
  let pages = 1;
  for (let { nextPageToken } = rare; nextPageToken !== ""; pages++) {
    ({ nextPageToken } = await client.listEvents({
      filter: { resourceId: "nothing is like this" },
      pageToken: nextPageToken,
    }));
  }
  assert.ok(pages === 5 || pages === 6, `450 events at 100 a page: ${pages}`);
});

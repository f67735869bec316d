// Keyset pages: every event once, in the order asked for, whatever is written meanwhile; tokens that are bound to their query.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { type AuditEvent, EventOutcome, PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { ListEventsRequestSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { errorOf, listAll, newEvent, outcomes, startAuditService } from "../support/audit_service.ts";

type Request = MessageInitShape<typeof ListEventsRequestSchema>;

const { client } = await startAuditService({ after });

const BASE = 1_780_000_000n;
const at = (second: number, micros = 0) =>
  create(TimestampSchema, { seconds: BASE + BigInt(second), nanos: micros * 1000 });

/** Four hundred events of a dozen moments, so that most share theirs with others. */
const events = Array.from({ length: 400 }, (_, index) =>
  newEvent({
    eventTimestamp: at((index * 7) % 6, (index % 2) * 250_000),
    eventType: ["gateway.signal.received", "gateway.crd.created", "aianalysis.analysis.completed"][index % 3] as string,
    correlationId: `rr-${index % 4}`,
    payload: { case: "eventData", value: { parity: index % 2, third: index % 3 } },
  }),
);
for (let start = 0; start < events.length; start += 100) {
  const { results } = await client.recordEvents({ events: events.slice(start, start + 100) });
  assert.deepEqual(new Set(outcomes(results)), new Set(["RECORDED"]));
}

const key = ({ eventTimestamp, eventId }: AuditEvent) =>
  `${eventTimestamp?.seconds}.${String(eventTimestamp?.nanos).padStart(9, "0")} ${eventId}`;
const byTime = (one: AuditEvent, other: AuditEvent) => (key(one) < key(other) ? -1 : 1);
const secondOf = ({ eventTimestamp }: AuditEvent) => Number((eventTimestamp?.seconds ?? 0n) - BASE);
const ids = (some: readonly AuditEvent[]) => some.map(({ eventId }) => eventId);

const QUERIES: Readonly<
  Record<string, { filter: NonNullable<Request["filter"]>; matches: (event: AuditEvent, index: number) => boolean }>
> = {
  "all events": { filter: {}, matches: () => true },
  "one correlation": { filter: { correlationId: "rr-1" }, matches: (event) => event.correlationId === "rr-1" },
  "one type": {
    filter: { eventTypes: ["gateway.crd.created"] },
    matches: (event) => event.eventType === "gateway.crd.created",
  },
  "two types": {
    filter: { eventTypes: ["gateway.crd.created", "aianalysis.analysis.completed", "gateway.crd.created"] },
    matches: (event) => event.eventType !== "gateway.signal.received",
  },
  "types by prefix": {
    filter: { eventTypes: ["gateway.*"] },
    matches: (event) => event.eventType.startsWith("gateway."),
  },
  "a payload": { filter: { eventData: { parity: 1 } }, matches: (_, index) => index % 2 === 1 },
  "a payload of one type in a time": {
    filter: { eventData: { third: 2 }, eventTypes: ["aianalysis.*"], startTime: at(2), endTime: at(4) },
    matches: (event, index) => index % 3 === 2 && secondOf(event) >= 2 && secondOf(event) < 4,
  },
};

for (const [name, { filter, matches }] of Object.entries(QUERIES)) {
  test(`pages of ${name} hold each event once, in both directions of time`, async () => {
    const expected = ids(events.filter(matches).sort(byTime));
    for (const pageSize of [1, 7, 1000]) {
      // Pages of one are many: they are read for the small sets alone.
      if (pageSize === 1 && expected.length > 100) continue;
      for (const orderBy of ["", "event_timestamp desc"]) {
        assert.deepEqual(ids(await listAll(client, { filter, pageSize, orderBy })), expected.toReversed());
      }
      assert.deepEqual(ids(await listAll(client, { filter, pageSize, orderBy: "event_timestamp" })), expected);
    }
  });
}

test("pages of a chain hold each event once, in the order of arrival", async () => {
  const expected = ids(events.filter(({ correlationId }) => correlationId === "rr-2"));
  for (const pageSize of [1, 7, 1000]) {
    const read = await listAll(client, { filter: { correlationId: "rr-2" }, orderBy: "chain_position", pageSize });
    assert.deepEqual(ids(read), expected);
    assert.deepEqual(
      read.map(({ chainPosition }) => chainPosition),
      expected.map((_, index) => BigInt(index + 1)),
    );
  }
});

test("while others write, what was there is read once, and nothing twice", async () => {
  const correlationId = "written meanwhile";
  const existing = Array.from({ length: 120 }, (_, index) =>
    newEvent({ correlationId, eventTimestamp: at(100 + (index % 5)) }),
  );
  await client.recordEvents({ events: existing });
  for (const orderBy of ["event_timestamp", "event_timestamp desc", "chain_position"]) {
    const read: string[] = [];
    for (let pageToken = ""; ; ) {
      const page = await client.listEvents({ filter: { correlationId }, orderBy, pageSize: 10, pageToken });
      read.push(...ids(page.events));
      pageToken = page.nextPageToken;
      if (pageToken === "" || read.length > 2000) break;
      // Before, among and after the moments that are being read.
      if (read.length < 150)
        await client.recordEvents({
          events: [99, 102, 104, 106].map((second) => newEvent({ correlationId, eventTimestamp: at(second) })),
        });
    }
    assert.equal(new Set(read).size, read.length, "nothing twice");
    const seen = new Set(read);
    assert.ok(
      existing.every(({ eventId }) => seen.has(eventId)),
      "nothing left out",
    );
  }
});

test("a page has a hundred events when no size is asked for", async () => {
  assert.equal((await client.listEvents({})).events.length, 100);
  assert.equal((await errorOf(client.listEvents({ pageSize: -1 }))).code, "InvalidArgument");
});

test("nothing that matches is an empty page without a token", async () => {
  for (const filter of [
    { correlationId: "nobody" },
    { eventTypes: ["no.such.type"] },
    { severities: ["none"] },
    { eventData: { no: "such" } },
  ]) {
    const page = await client.listEvents({ filter });
    assert.deepEqual([page.events, page.nextPageToken], [[], ""]);
  }
});

/** Asserts that a request is refused for its page token. */
async function assertTokenRefused(request: Request, what: string): Promise<void> {
  const { code, error } = await errorOf(client.listEvents(request));
  assert.equal(code, "InvalidArgument", what);
  const [details] = error.findDetails(BadRequestSchema);
  assert.deepEqual(
    details?.fieldViolations.map(({ field }) => field),
    ["page_token"],
    what,
  );
}

test("a token is good for its own filter and order, in any form and size of page", async () => {
  const request: Request = { filter: { correlationId: "rr-0", severities: [] }, pageSize: 5 };
  const { nextPageToken: pageToken } = await client.listEvents(request);
  const again = await client.listEvents({ ...request, pageToken, pageSize: 9, payloadForm: PayloadForm.JSON });
  assert.equal(again.events.length, 9);
  const others: Request[] = [
    {},
    { filter: { correlationId: "rr-1" } },
    { filter: { correlationId: "rr-0", severities: ["high"] } },
    { filter: { correlationId: "rr-0", eventOutcomes: [EventOutcome.SUCCESS] } },
    { filter: { correlationId: "rr-0", startTime: at(0) } },
    { filter: { correlationId: "rr-0", eventData: {} } },
    { ...request, orderBy: "event_timestamp" },
    { ...request, orderBy: "chain_position" },
  ];
  for (const other of others)
    await assertTokenRefused(
      { ...other, pageToken },
      JSON.stringify(other, (_, value) => (typeof value === "bigint" ? String(value) : value)),
    );
});

test("what is no token of ours is refused, whatever it is", async () => {
  const byTimeRequest: Request = { filter: { correlationId: "rr-0" }, pageSize: 5 };
  const chainRequest: Request = { ...byTimeRequest, orderBy: "chain_position" };
  const cases = await Promise.all(
    [byTimeRequest, chainRequest].map(async (request) => {
      const { nextPageToken } = await client.listEvents(request);
      return {
        request,
        token: JSON.parse(Buffer.from(nextPageToken, "base64url").toString()) as { query: string; cursor: object },
      };
    }),
  );
  const odd: unknown[] = [
    null,
    1,
    "text",
    [],
    {},
    { timestamp: 5, eventId: "x" },
    { position: null },
    { position: "1" },
    { position: 1.5 },
    { position: -1 },
    { position: 2 ** 60 },
    ...[
      "",
      "2026-02-30T00:00:00.000000Z",
      "0000-01-01T00:00:00.000000Z",
      "2026-13-01T00:00:00.000000Z",
      "2026-01-01T25:00:00.000000Z",
      "2026-01-01T24:00:00.000000Z",
      "2026-01-01T00:00:60.000000Z",
      "infinity",
    ].map((timestamp) => ({ timestamp, eventId: "0190c0de-0000-7000-8000-000000000001" })),
    { timestamp: "2026-01-01T00:00:00.000000Z", eventId: "0" },
    { timestamp: "2026-01-01T00:00:00.000000Z", eventId: "0190c0de-0000-7000-8000-00000000000g" },
    { timestamp: "2026-01-01T00:00:00.000000Z" },
  ];
  for (const { request, token } of cases) {
    for (const cursor of odd) {
      const pageToken = Buffer.from(JSON.stringify({ ...token, cursor })).toString("base64url");
      await assertTokenRefused({ ...request, pageToken }, JSON.stringify(cursor));
    }
    const other = cases.find((one) => one.request !== request)?.token.cursor;
    const crossed = Buffer.from(JSON.stringify({ ...token, cursor: other })).toString("base64url");
    await assertTokenRefused({ ...request, pageToken: crossed }, "the cursor of another order");
    for (const text of ["x", "e30", "bnVsbA", "W10", "%", "ü", "A".repeat(1024)])
      await assertTokenRefused({ ...request, pageToken: text }, text);
  }
});

test("bad filters and orders are named by their fields", async () => {
  const cases: [Request, string[]][] = [
    [{ orderBy: "severity" }, ["order_by"]],
    [{ orderBy: "chain_position" }, ["order_by"]],
    [{ filter: { eventTypes: ["*"] } }, ["filter.event_types[0]"]],
    [{ filter: { eventTypes: ["a*b"] } }, ["filter.event_types[0]"]],
    [{ filter: { eventOutcomes: [EventOutcome.UNSPECIFIED] } }, ["filter.event_outcomes[0]"]],
    [{ filter: { correlationId: "c".repeat(256) } }, ["filter.correlation_id"]],
    [{ filter: { correlationId: "a\0" } }, ["filter.correlation_id"]],
    [{ filter: { severities: ["ok", "\0"] } }, ["filter.severities[1]"]],
    [{ filter: { namespace: "\0" } }, ["filter.namespace"]],
    [{ filter: { eventData: { a: { b: "\0" } } } }, ["filter.event_data.a.b"]],
    [{ filter: { startTime: create(TimestampSchema, { seconds: 10n ** 15n }) } }, ["filter.start_time"]],
    [{ filter: { endTime: create(TimestampSchema, { nanos: -1 }) } }, ["filter.end_time"]],
    [{ payloadForm: PayloadForm.TYPED }, ["payload_form"]],
  ];
  for (const [request, fields] of cases) {
    const { code, error } = await errorOf(client.listEvents(request));
    const [details] = error.findDetails(BadRequestSchema);
    assert.deepEqual([code, details?.fieldViolations.map(({ field }) => field)], ["InvalidArgument", fields]);
  }
});

test("an event that is not there is NOT_FOUND, and an id that is none INVALID_ARGUMENT", async () => {
  assert.equal((await errorOf(client.getEvent({ eventId: "0190c0de-0000-7000-8000-000000000001" }))).code, "NotFound");
  assert.equal((await errorOf(client.getEvent({ eventId: "0" }))).code, "InvalidArgument");
  assert.equal((await errorOf(client.getEvent({}))).code, "InvalidArgument");
});

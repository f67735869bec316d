// No reply leaves with more than 4 MiB, in any form and protocol, however large the events are.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { type AuditEvent, PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { ListEventsResponseSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { newEvents, outcomes, startAuditService } from "../support/audit_service.ts";

const LIMIT = 4 * 1024 * 1024;
const { client, address } = await startAuditService({ after });

const json = (text: string) => ({ case: "eventDataJson", value: Buffer.from(text) }) as const;
const textOf = (character: string, bytes: number) =>
  JSON.stringify({ text: character.repeat(bytes / Buffer.byteLength(character)) });

interface Kind {
  readonly count: number;
  readonly fields: Partial<AuditEvent>;
  /** Whether all of them are too large for one page as JSON too. */
  readonly largeAsJson?: false;
}

/** Events that are large in one way each. */
const KINDS: Readonly<Record<string, Kind>> = {
  "payloads of 256 KiB": { count: 24, fields: { payload: json(textOf("x", 256 * 1024 - 20)) } },
  "payloads of small numbers, which a Struct makes several times as large": {
    count: 6,
    largeAsJson: false,
    fields: { payload: json(JSON.stringify({ numbers: new Array(120_000).fill(1) })) },
  },
  "payloads of control characters, which JSON makes six times as large": {
    count: 40,
    fields: { payload: json(textOf("\u0001", (256 * 1024) / 6 - 20)) },
  },
  "long error messages": { count: 50, fields: { errorMessage: "é".repeat(65_536) } },
  "error messages of control characters": { count: 50, fields: { errorMessage: "\u0001".repeat(65_536) } },
  "long strings in every field": {
    count: 1500,
    fields: {
      actorId: "😀".repeat(255),
      resourceId: "😀".repeat(255),
      namespace: "😀".repeat(253),
      clusterName: "😀".repeat(255),
      resourceType: "😀".repeat(100),
    },
  },
};

for (const [kind, { count, fields, largeAsJson = true }] of Object.entries(KINDS)) {
  test(kind, async () => {
    const events = newEvents(count, { ...(fields as object), correlationId: kind });
    for (let at = 0; at < count; at += 10) {
      const { results } = await client.recordEvents({ events: events.slice(at, at + 10) });
      assert.deepEqual(new Set(outcomes(results)), new Set(["RECORDED"]));
    }
    const sent = events.map(({ eventId }) => eventId);
    for (const payloadForm of [PayloadForm.STRUCT, PayloadForm.JSON]) {
      const request = { filter: { correlationId: kind }, orderBy: "chain_position", pageSize: 1000, payloadForm };
      const read: string[] = [];
      let pages = 0;
      for (let pageToken = ""; ; ) {
        const page = await client.listEvents({ ...request, pageToken });
        pages++;
        assert.ok(toBinary(ListEventsResponseSchema, page).length < LIMIT);
        read.push(...page.events.map(({ eventId }) => eventId));
        pageToken = page.nextPageToken;
        if (pageToken === "") break;
        assert.ok(page.events.length > 0, "a page has one event at least");
      }
      assert.deepEqual(read, sent, "nothing is left out or repeated");
      if (payloadForm === PayloadForm.STRUCT || largeAsJson) assert.ok(pages > 1, "one page would have been too large");
      assert.ok((await jsonBytes({ ...request, payloadForm })) < LIMIT, "ProtoJSON stays within the limit too");
    }
  });
}

test("a page of usual events is as long as asked for, up to a thousand", async () => {
  const fields = { correlationId: "usual", payload: json(textOf("x", 1500)) };
  await client.recordEvents({ events: newEvents(1000, fields) });
  await client.recordEvents({ events: newEvents(1, fields) });
  for (const payloadForm of [PayloadForm.STRUCT, PayloadForm.JSON]) {
    const page = await client.listEvents({ filter: { correlationId: "usual" }, pageSize: 5000, payloadForm });
    assert.equal(page.events.length, 1000);
  }
});

/** Bytes of the same reply by the Connect protocol with JSON. */
async function jsonBytes(request: object): Promise<number> {
  const response = await fetch(`http://${address}/kubernaut.audit.v1.AuditService/ListEvents`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  assert.equal(response.status, 200);
  return (await response.arrayBuffer()).byteLength;
}

// Records two events of one remediation and lists them, with the generated client.
//
//   node examples/record.ts [http://127.0.0.1:8080]
import { randomUUID } from "node:crypto";
import { timestampDate, timestampNow } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { EventOutcome } from "../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { AuditService, RecordOutcome } from "../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";

const baseUrl = process.argv[2] ?? "http://127.0.0.1:8080";
const client = createClient(AuditService, createGrpcTransport({ baseUrl }));
const correlationId = `rr-example-${randomUUID().slice(0, 8)}`;

// The emitter chooses the ids, so that sending the same events again is recognised and stores nothing twice.
const { results } = await client.recordEvents({
  events: [
    {
      eventId: randomUUID(),
      eventTimestamp: timestampNow(),
      eventType: "gateway.signal.received",
      eventOutcome: EventOutcome.SUCCESS,
      correlationId,
      // A typed payload; it is stored as the same JSON as event_data would be.
      payload: {
        case: "gateway",
        value: { signalName: "HighLatency", resourceKind: "Deployment", resourceName: "cart" },
      },
    },
    {
      eventId: randomUUID(),
      eventTimestamp: timestampNow(),
      eventType: "orchestrator.lifecycle.transitioned",
      eventOutcome: EventOutcome.SUCCESS,
      correlationId,
      // JSON text is the cheapest form of a payload.
      payload: {
        case: "eventDataJson",
        value: new TextEncoder().encode('{"from_phase":"Pending","to_phase":"Processing"}'),
      },
    },
  ],
});
for (const { eventId, outcome, violations } of results) {
  if (outcome === RecordOutcome.RECORDED) continue;
  const reasons = violations.map(({ field, description }) => `${field}: ${description}`).join("; ");
  throw new Error(`event ${eventId} was not recorded: ${reasons}`);
}

const { events } = await client.listEvents({ filter: { correlationId }, orderBy: "chain_position" });
for (const { chainPosition, eventTimestamp, eventType, payload } of events) {
  const time = eventTimestamp === undefined ? "" : timestampDate(eventTimestamp).toISOString();
  console.log(`${chainPosition}  ${time}  ${eventType}  ${JSON.stringify(payload.value)}`);
}

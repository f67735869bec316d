import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type AuditEvent, AuditEventSchema, EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { Palette } from "../colour.ts";
import { EVENT_COLUMNS } from "../list/table.ts";
import { type Column, Table } from "../table.ts";

const COLUMNS: readonly Column<AuditEvent>[] = [
  { heading: "LOG INDEX", value: ({ logIndex }) => String(logIndex ?? ""), worth: 6 },
  ...EVENT_COLUMNS,
];

/** Nobody knows what comes: the columns have room for an event like this one. */
const USUAL = create(AuditEventSchema, {
  eventId: "0199a0ed-cdc8-7eaf-9e6f-01c353c55b1a",
  eventTimestamp: create(TimestampSchema, { seconds: 1_778_707_443n }),
  eventType: "workflowexecution.workflow.completed",
  eventOutcome: EventOutcome.SUCCESS,
  correlationId: "rr-5be0c1d49a27-7c1e4f03",
  actorType: "user",
  actorId: "dana@example.com",
  resourceType: "Deployment",
  resourceId: "shop/checkout-api",
  logIndex: 1_000_000n,
});

/** A table of events that grows: fitted to the first of them and to what is usual. */
export class TailTable extends Table<AuditEvent> {
  constructor(events: readonly AuditEvent[], available: number | undefined, colours: Palette) {
    super(COLUMNS, [...events, USUAL], available, colours);
  }
}

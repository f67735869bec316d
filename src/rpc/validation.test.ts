import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { GetEventRequestSchema, ListEventsRequestSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { validateRequest } from "./validation.ts";

describe("what breaks the rules of the proto", () => {
  it("is nothing in a valid message", () => {
    const eventId = "0190c3a6-7f5e-7cc3-98c4-dc0c0c07398f";
    assert.deepEqual(validateRequest(GetEventRequestSchema, create(GetEventRequestSchema, { eventId })), []);
  });

  it("is named by the path that the proto spells", () => {
    const request = create(ListEventsRequestSchema, { pageSize: -1, filter: { eventTypes: ["gateway.*", "NO WAY"] } });
    const fields = validateRequest(ListEventsRequestSchema, request).map(({ field }) => field);
    assert.deepEqual(fields.sort(), ["filter.event_types[1]", "page_size"]);
  });

  it("stands behind the place of the message", () => {
    const request = create(GetEventRequestSchema, { eventId: "x" });
    assert.equal(validateRequest(GetEventRequestSchema, request, "events[3]")[0]?.field, "events[3].event_id");
  });
});

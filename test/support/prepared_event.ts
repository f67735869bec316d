import { randomUUIDv7 } from "node:crypto";
import type { Submission } from "../../src/audit/event.ts";
import { type PreparedEvent, prepareEvent } from "../../src/audit/prepare.ts";

/** A submission that keeps every rule. */
export function submission(fields: Partial<Submission> = {}): Submission {
  return {
    event_id: randomUUIDv7(),
    event_timestamp: "2026-05-13T21:24:03.123456Z",
    event_type: "gateway.signal.received",
    event_outcome: "success",
    correlation_id: "rr-1",
    is_sensitive: false,
    event_data: "{}",
    ...fields,
  };
}

/** An event as the door prepares it. */
export function preparedEvent(fields: Partial<Submission> = {}): PreparedEvent {
  return prepareEvent(submission(fields), {
    recordedTime: "2026-05-13T21:24:04.000000Z",
    recordedBy: "tester",
    newId: () => randomUUIDv7(),
    newSalt: () => "00112233445566778899aabbccddeeff",
  });
}

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { RecordEventsRequestSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { checkBinaryShape, checkJsonShape, MAX_TOP_LEVEL } from "./message_shape.ts";

function tooMany(error: unknown): boolean {
  return error instanceof ConnectError && error.findDetails(ErrorInfoSchema)[0]?.reason === "TOO_MANY_FIELDS";
}

function events(count: number) {
  return create(RecordEventsRequestSchema, { events: Array(count).fill({ eventId: 'a\\",' }) });
}

describe("the shape of a protobuf message", () => {
  it("may have as many elements as the limit, and no more", () => {
    checkBinaryShape(toBinary(RecordEventsRequestSchema, events(MAX_TOP_LEVEL)));
    assert.throws(() => checkBinaryShape(toBinary(RecordEventsRequestSchema, events(MAX_TOP_LEVEL + 1))), tooMany);
  });

  it("is counted in unknown fields of every wire type too", () => {
    for (const field of [
      [0x98, 0x06, 0x01],
      [0x99, 0x06, ...Array(8).fill(0)],
      [0x9a, 0x06, 0x01, 0xff],
      [0x9d, 0x06, ...Array(4).fill(0)],
      [0x9b, 0x06],
    ]) {
      checkBinaryShape(Buffer.from(Array(MAX_TOP_LEVEL).fill(field).flat()));
      assert.throws(
        () =>
          checkBinaryShape(
            Buffer.from(
              Array(MAX_TOP_LEVEL + 1)
                .fill(field)
                .flat(),
            ),
          ),
        tooMany,
      );
    }
  });

  it("does not matter within fields", () => {
    const deep = create(RecordEventsRequestSchema, {
      events: [{ payload: { case: "eventDataJson", value: Buffer.alloc(100_000, 8) } }],
    });
    checkBinaryShape(toBinary(RecordEventsRequestSchema, deep));
  });

  it("is found, or left to the decoder, in any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => checkBinaryShape(bytes)));
  });
});

describe("the shape of a JSON message", () => {
  it("may have as many elements as the limit, and no more", () => {
    const encoder = new TextEncoder();
    checkJsonShape(encoder.encode(toJsonString(RecordEventsRequestSchema, events(MAX_TOP_LEVEL))));
    const text = toJsonString(RecordEventsRequestSchema, events(MAX_TOP_LEVEL + 1));
    assert.throws(() => checkJsonShape(encoder.encode(text)), tooMany);
  });

  it("does not matter within the elements, nor within strings", () => {
    const inner = Array(2 * MAX_TOP_LEVEL).fill(1);
    const text = JSON.stringify({ events: [{ eventData: { inner }, eventId: ',[{"\\'.repeat(MAX_TOP_LEVEL) }] });
    checkJsonShape(new TextEncoder().encode(text));
  });
});

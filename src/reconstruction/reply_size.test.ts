import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import {
  type ReconstructResourceResponse,
  ReconstructResourceResponseSchema as Reply,
} from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { Fault } from "../fault.ts";
import { fitReply } from "./reply_size.ts";

const MIB = 1024 * 1024;

function fitted(text: string, { yaml, json, sources }: { yaml: number; json: number; sources: number }) {
  const reply = create(Reply, {
    object: { kind: "x" },
    yaml: text.repeat(yaml),
    json: text.repeat(json),
    reconstruction: { provenance: Array.from({ length: sources }, () => ({ path: text.repeat(1000) })) },
  });
  fitReply(Reply, reply);
  assert.ok(toBinary(Reply, reply).length <= 4 * MIB);
  assert.ok(Buffer.byteLength(toJsonString(Reply, reply)) <= 4 * MIB);
  return shapeOf(reply);
}

function shapeOf({ yaml, json, reconstruction }: ReconstructResourceResponse) {
  const left = reconstruction?.warnings.map(({ reason, message }) => `${reason} ${message.split(" ")[0]}`);
  return [yaml.length, json.length, reconstruction?.provenance.length, left];
}

test("what fits stays whole", () => {
  assert.deepEqual(fitted("x", { yaml: MIB, json: MIB, sources: 500 }), [MIB, MIB, 500, []]);
});

test("the provenance gives way, then the JSON text, and both are told", () => {
  assert.deepEqual(fitted("x", { yaml: MIB, json: MIB, sources: 2500 }), [MIB, MIB, 0, ["LEFT_OUT provenance"]]);
  const neither = [3 * MIB, 0, 0, ["LEFT_OUT provenance", "LEFT_OUT json"]];
  assert.deepEqual(fitted("x", { yaml: 3 * MIB, json: 2 * MIB, sources: 1 }), neither);
});

test("ProtoJSON counts as well: there a control character takes six bytes", () => {
  const half = MIB / 2;
  assert.deepEqual(fitted("\u0001", { yaml: half, json: half, sources: 0 })[1], 0);
});

test("an object that does not fit alone is refused", () => {
  assert.throws(
    () => fitted("x", { yaml: 5 * MIB, json: 0, sources: 0 }),
    (error) => error instanceof Fault && error.kind === "precondition" && error.details.reason === "TOO_LARGE",
  );
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { boundDeadline, formOf, type Protocol, plainGrpcMessage } from "./protocol.ts";

describe("the protocol of a request", () => {
  const forms: [string | undefined, Protocol | undefined, boolean, boolean][] = [
    ["application/grpc", "grpc", true, false],
    ["application/grpc+proto", "grpc", true, false],
    ["application/grpc-web+json", "grpc-web", true, true],
    ["application/connect+proto", "connect", true, false],
    ["application/connect+json", "connect", true, true],
    ["application/json; charset=utf-8", "connect", false, true],
    ["Application/Proto", "connect", false, false],
    ["application/json-seq", undefined, false, false],
    ["text/html", undefined, false, false],
    [undefined, undefined, false, false],
  ];
  for (const [type, protocol, enveloped, json] of forms) {
    it(`of type ${type} is ${protocol}`, () => assert.deepEqual(formOf(type), { protocol, enveloped, json }));
  }
});

describe("a deadline", () => {
  const day = 86_400_000;
  const cases: [Protocol, string | undefined, number | undefined, string | undefined][] = [
    ["grpc", "2S", 600_000, "2S"],
    ["grpc", undefined, 600_000, "600S"],
    ["grpc", "99999999H", 600_000, "600S"],
    ["grpc", undefined, undefined, undefined],
    ["grpc", "30H", undefined, "30H"],
    ["grpc", "99999999H", undefined, "2147483S"],
    ["grpc-web", "700000m", 600_000, "600S"],
    ["connect", "1500", 600_000, "1500"],
    ["connect", "9999999999", 600_000, "600000"],
    ["connect", undefined, day, String(day)],
    ["connect", "soon", 600_000, "soon"],
    ["grpc", "-1S", 600_000, "-1S"],
  ];
  for (const [protocol, wanted, max, expected] of cases) {
    it(`of ${wanted} in ${protocol}, at most ${max} ms, is ${expected}`, () => {
      const name = protocol === "connect" ? "connect-timeout-ms" : "grpc-timeout";
      const headers = new Headers(wanted === undefined ? {} : { [name]: wanted });
      boundDeadline(headers, protocol, max);
      assert.equal(headers.get(name) ?? undefined, expected);
    });
  }
});

describe("the message of a gRPC status", () => {
  const messages: [string, string][] = [
    ["event_id: must be a UUID (100 %)", "event_id: must be a UUID (100 %25)"],
    ["is \u00fc\n", "is %C3%BC%0A"],
    [" between spaces ", "%20between spaces%20"],
  ];
  for (const [message, encoded] of messages) {
    it(`${JSON.stringify(message)} is written ${encoded}`, () => {
      const trailer = new Headers({ "grpc-message": encodeURIComponent(message) });
      assert.equal(plainGrpcMessage(trailer).get("grpc-message"), encoded);
      assert.equal(decodeURIComponent(encoded), message);
    });
  }
});

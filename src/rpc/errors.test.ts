import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { pino } from "pino";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "../../gen/ts/google/rpc/error_details_pb.ts";
import { Fault, type FaultKind, invalid } from "../fault.ts";
import { codeName, messageTooLarge, toConnectError, toReadError, toStatus } from "./errors.ts";

const silent = pino({ level: "silent" });

describe("what a caller gets for a fault", () => {
  const kinds: [FaultKind, Code][] = [
    ["invalid", Code.InvalidArgument],
    ["not_found", Code.NotFound],
    ["precondition", Code.FailedPrecondition],
    ["exhausted", Code.ResourceExhausted],
    ["unavailable", Code.Unavailable],
    ["deadline", Code.DeadlineExceeded],
    ["denied", Code.PermissionDenied],
  ];
  for (const [kind, code] of kinds) {
    it(`${kind} is ${codeName(code)}, with ErrorInfo`, () => {
      const error = toConnectError(new Fault(kind, "why", { reason: "SOME_REASON", metadata: { fact: "7" } }), silent);
      assert.equal(error.code, code);
      assert.equal(error.rawMessage, "why");
      const [info] = error.findDetails(ErrorInfoSchema);
      assert.equal(info?.reason, "SOME_REASON");
      assert.equal(info?.domain, "kubernaut.ai");
      assert.deepEqual(info?.metadata, { fact: "7" });
    });
  }

  it("names every violation with its path", () => {
    const error = toConnectError(invalid([{ field: "events[3].event_type", description: "is empty" }]), silent);
    const [details] = error.findDetails(BadRequestSchema);
    assert.deepEqual(
      details?.fieldViolations.map(({ field, description }) => [field, description]),
      [["events[3].event_type", "is empty"]],
    );
  });

  it("says when to retry: as the fault knows, or in a second", () => {
    for (const kind of ["unavailable", "exhausted"] as const) {
      const known = new Fault(kind, "later", { reason: "R", retryAfterMs: 2500 });
      const [retry] = toConnectError(known, silent).findDetails(RetryInfoSchema);
      assert.equal(retry?.retryDelay?.seconds, 2n);
      assert.equal(retry?.retryDelay?.nanos, 500_000_000);
      const unknown = toConnectError(new Fault(kind, "later", { reason: "R" }), silent);
      assert.equal(unknown.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds, 1n);
    }
  });

  it("names the resource that is missing and the precondition that fails", () => {
    const resource = { type: "event", name: "e1" };
    const missing = toConnectError(new Fault("not_found", "gone", { reason: "R", resource }), silent);
    assert.equal(missing.findDetails(ResourceInfoSchema)[0]?.resourceName, "e1");
    const failed = toConnectError(
      new Fault("precondition", "not now", { reason: "BATCH_NOT_TRIED", resource }),
      silent,
    );
    const [violation] = failed.findDetails(PreconditionFailureSchema)[0]?.violations ?? [];
    assert.equal(violation?.type, "BATCH_NOT_TRIED");
    assert.equal(violation?.subject, "event/e1");
    assert.equal(violation?.description, "not now");
  });

  it("fits into trailers, however much is wrong, and says what was left out", () => {
    const violations = Array.from({ length: 1000 }, (_, index) => ({
      field: `events[${index}].event_type`,
      description: "ä\ud800".repeat(300),
    }));
    const metadata = { big: "x".repeat(100_000) };
    const fault = new Fault("invalid", "ü".repeat(100_000), { reason: "R", violations, metadata });
    const error = toConnectError(fault, silent);
    const trailers = [...setTrailerStatus(new Headers(), error)];
    const bytes = trailers.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    assert.ok(bytes < 8192, `${bytes} bytes of trailers`);
    const last = error.findDetails(BadRequestSchema)[0]?.fieldViolations.at(-1);
    assert.match(last?.description ?? "", /^and 9\d\d more$/);
  });

  it("is the same inside a stream", () => {
    const fault = new Fault("unavailable", "later", { reason: "DATABASE_UNAVAILABLE" });
    const status = toStatus(fault, silent);
    assert.equal(status.code, Code.Unavailable);
    assert.equal(status.message, "later");
    const info = status.details.map((any) => anyUnpack(any, ErrorInfoSchema)).find((found) => found !== undefined);
    assert.equal(info?.reason, "DATABASE_UNAVAILABLE");
    assert.ok(status.details.some((any) => anyUnpack(any, RetryInfoSchema)));
  });
});

describe("what a caller gets for a defect", () => {
  it("is INTERNAL with an id and nothing else; the log has the cause under that id", () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) });
    const cause = new Error('password of "postgres" at db.internal:5432');
    const error = toConnectError(new TypeError("SELECT secret FROM t", { cause }), log);
    assert.equal(error.code, Code.Internal);
    const id = error.findDetails(ErrorInfoSchema)[0]?.metadata["error_id"] ?? "";
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.equal(error.rawMessage, `internal error; the service's log tells more under error_id ${id}`);
    assert.equal(lines[0]?.["error_id"], id);
    const logged = JSON.stringify(lines[0]);
    assert.match(logged, /SELECT secret FROM t/);
    assert.match(logged, /db\.internal/);
    assert.match(logged, /errors\.test\.ts/);
  });
});

describe("what a caller gets for an aborted call", () => {
  it("is DEADLINE_EXCEEDED where the deadline aborted it, whatever the handler threw", () => {
    const controller = new AbortController();
    controller.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
    const thrown = new DOMException("aborted", "AbortError");
    const error = toConnectError(thrown, silent, controller.signal);
    assert.equal(error.code, Code.DeadlineExceeded);
    assert.match(error.rawMessage, /unknown, and sending it again is safe/);
  });

  it("is CANCELLED otherwise", () => {
    assert.equal(toConnectError(new DOMException("aborted", "AbortError"), silent).code, Code.Canceled);
    assert.equal(toConnectError(new ConnectError("reset", Code.Canceled), silent).code, Code.Canceled);
  });
});

describe("what a caller gets for an error of the framework", () => {
  it("is INVALID_ARGUMENT for a request that cannot be decoded, though the framework says INTERNAL", () => {
    const error = toReadError(new ConnectError("parse binary: premature EOF", Code.Internal), silent);
    assert.equal(error.code, Code.InvalidArgument);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "MALFORMED_REQUEST");
    assert.equal(
      error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.description,
      "parse binary: premature EOF",
    );
  });

  it("is INTERNAL for an answer that cannot be encoded", () => {
    const error = toConnectError(new ConnectError("serialize binary: secret", Code.Internal), silent);
    assert.equal(error.code, Code.Internal);
    assert.doesNotMatch(error.rawMessage, /secret/);
  });

  it("is CANCELLED for a request that was cut off", () => {
    const cutOff = Object.assign(new Error("premature close"), { code: "ERR_STREAM_PREMATURE_CLOSE" });
    assert.equal(toReadError(cutOff, silent).code, Code.Canceled);
  });

  it("names the limit of a message that is too large, in programs' terms too", () => {
    const texts = [
      "message size 9 is larger than configured readMaxBytes 8",
      "larger than configured readMaxBytes 8 after",
    ];
    const errors = texts.map((text) => toReadError(new ConnectError(text, Code.ResourceExhausted), silent));
    for (const error of [...errors, messageTooLarge(8)]) {
      assert.equal(error.code, Code.ResourceExhausted);
      assert.match(error.rawMessage, /limit of 8 bytes/);
      const [info] = error.findDetails(ErrorInfoSchema);
      assert.equal(info?.reason, "MESSAGE_TOO_LARGE");
      assert.equal(info?.metadata["max_bytes"], "8");
      assert.equal(error.findDetails(RetryInfoSchema).length, 1);
    }
  });

  it("keeps its code and details, and adds what the code calls for", () => {
    const error = toConnectError(new ConnectError("busy", Code.Unavailable), silent);
    assert.equal(error.findDetails(RetryInfoSchema).length, 1);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "UNAVAILABLE");
    assert.equal(toConnectError(error, silent), error);
  });
});

it("codes have their canonical names", () => {
  assert.equal(codeName(undefined), "OK");
  assert.equal(codeName(Code.Canceled), "CANCELLED");
  assert.equal(codeName(Code.InvalidArgument), "INVALID_ARGUMENT");
  assert.equal(codeName(Code.DataLoss), "DATA_LOSS");
});

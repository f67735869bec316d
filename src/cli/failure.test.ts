import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { loadConfig } from "../config/config.ts";
import { UsageError } from "./exit_code.ts";
import { describeFailure, failureJson } from "./failure.ts";

const URL = "http://127.0.0.1:8080";

test("an answer of the service is told with its code, reason and every field", () => {
  const error = new ConnectError("filter.event_types[0]: must match", Code.InvalidArgument, undefined, [
    { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason: "BAD_FILTER", domain: "kubernaut.ai" }) },
    {
      desc: BadRequestSchema,
      value: create(BadRequestSchema, {
        fieldViolations: [
          { field: "filter.event_types[0]", description: "must match" },
          { field: "page_size", description: "must be 0 or more\u001b[2J" },
        ],
      }),
    },
  ]);
  const failure = describeFailure(error, URL);
  assert.equal(
    failure.text,
    "the service answered INVALID_ARGUMENT (BAD_FILTER): filter.event_types[0]: must match\n" +
      "  filter.event_types[0]: must match\n  page_size: must be 0 or more�[2J",
  );
  assert.equal(failure.exit, 2);
  assert.deepEqual(JSON.parse(failureJson(failure)).error.reason, "BAD_FILTER");
});

test("a service that cannot be reached: where it was looked for, why, and what to do", () => {
  const refused = new ConnectError(
    "connect ECONNREFUSED",
    Code.Unavailable,
    undefined,
    undefined,
    systemError("ECONNREFUSED"),
  );
  const { text, exit } = describeFailure(refused, URL);
  assert.match(text, /http:\/\/127\.0\.0\.1:8080 cannot be reached \(ECONNREFUSED\)\. Is it running \(`npm start`/);
  assert.equal(exit, 1);
});

test("what is wrong with TLS is told with the flag that helps", () => {
  const failed = (code: string) =>
    describeFailure(new ConnectError("tls", Code.Internal, undefined, undefined, systemError(code)), URL).text;
  assert.match(failed("DEPTH_ZERO_SELF_SIGNED_CERT"), /--ca-file FILE/);
  assert.match(failed("ERR_TLS_CERT_ALTNAME_INVALID"), /another name/);
  assert.match(failed("ERR_SSL_WRONG_VERSION_NUMBER"), /does not speak TLS as asked/);
});

test("codes decide how the process ends", () => {
  const exit = (code: Code) => {
    const info = { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason: "X" }) };
    return describeFailure(new ConnectError("x", code, undefined, [info]), URL).exit;
  };
  assert.equal(exit(Code.NotFound), 4);
  assert.equal(exit(Code.Unavailable), 1);
  assert.equal(describeFailure(new UsageError("x")).exit, 2);
  assert.throws(
    () => loadConfig({ DATABASE_URL: "mysql://x" }),
    (error) => describeFailure(error).exit === 2,
  );
});

test("only a defect shows a stack", () => {
  assert.match(describeFailure(new TypeError("oops")).text, /a defect of the command line: TypeError: oops\n\s+at /);
  assert.doesNotMatch(describeFailure(new UsageError("no")).text, /at /);
});

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectError } from "@connectrpc/connect";
import { Fault } from "../fault.ts";
import { createLogger, type LogFormat, type Logger } from "./logs.ts";

function logged(format: LogFormat, write: (log: Logger) => void): string[] {
  const lines: string[] = [];
  write(createLogger("info", { format, sink: { write: (line) => lines.push(line) } }));
  return lines;
}

function entry(write: (log: Logger) => void): Record<string, unknown> {
  const [line, ...more] = logged("json", write);
  assert.deepEqual(more, []);
  return JSON.parse(line ?? "") as Record<string, unknown>;
}

test("a JSON entry has time, level, service, message and fields", () => {
  const { time, ...rest } = entry((log) => log.child({ part: "writer" }).warn({ lanes: 4 }, "slow"));
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, { level: "warn", service: "kubernaut-datastorage", part: "writer", lanes: 4, msg: "slow" });
});

test("entries below the level are not written", () => {
  assert.deepEqual(
    logged("json", (log) => log.debug("quiet")),
    [],
  );
});

test("an error is logged with its facts and causes", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", port: 5432 });
  const fault = new Fault("unavailable", "the database is away", { reason: "DATABASE_UNAVAILABLE", cause: refused });
  const err = entry((log) => log.error({ err: fault }, "append failed"))["err"] as Record<string, unknown>;
  assert.equal(err["type"], "Fault");
  assert.equal(err["message"], "the database is away");
  assert.equal(err["kind"], "unavailable");
  assert.equal(err["reason"], "DATABASE_UNAVAILABLE");
  assert.match(String(err["stack"]), /^at .*logs\.test\.ts/);
  const cause = err["cause"] as Record<string, unknown>;
  assert.equal(cause["message"], "connect ECONNREFUSED");
  assert.equal(cause["code"], "ECONNREFUSED");
  assert.equal(cause["port"], 5432);
});

test("neither payloads nor statements nor passwords get into the log", () => {
  const secret = "patient-4711";
  const driver = Object.assign(new Error("duplicate key"), {
    query: `insert ${secret}`,
    parameters: [secret],
    detail: `Key (id)=(${secret})`,
    where: secret,
  });
  const lines = ["json", "text"].flatMap((format) =>
    logged(format as LogFormat, (log) => {
      log.error(
        { err: driver, event_data: { secret }, event: { event_data: { secret }, error_message: secret } },
        "refused",
      );
      log.error({ err: new Error(`cannot reach postgres://user:${secret}@db:5432/audit`) }, "refused");
      log.error({ err: new ConnectError("bad", 3, undefined, [], driver) }, "refused");
      log.error({ err: { thrown: secret } }, "refused");
      log.error({ err: new Error(`${"x".repeat(500)}${secret}`) }, "refused");
    }),
  );
  assert.equal(lines.length, 10);
  assert.doesNotMatch(lines.join(""), new RegExp(secret));
  assert.match(lines.join(""), /cannot reach postgres:\/\/db:5432\/audit/);
});

test("an error that is its own cause ends", () => {
  const error = new Error("round");
  error.cause = error;
  const [line] = logged("json", (log) => log.error({ err: error }, "and round"));
  assert.equal(line?.match(/"message":"round"/g)?.length, 5);
});

test("the text form is one line an entry, with causes in place and the stack only of errors", () => {
  const error = new Error("outer", { cause: new Error("inner") });
  const [warning, failure] = logged("text", (log) => {
    log.warn({ err: error, address: "127.0.0.1:8080", note: "two words", n: 1 }, "listening");
    log.error({ err: error }, "failed");
  });
  assert.match(
    warning ?? "",
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}listening err="outer: inner" address=127\.0\.0\.1:8080 note="two words" n=1\n$/,
  );
  const [first, second, ...frames] = (failure ?? "").trimEnd().split("\n");
  assert.match(first ?? "", / ERROR failed err="outer: inner"$/);
  assert.match(second ?? "", /^ {4}at .*logs\.test\.ts/);
  assert.ok(frames.includes("    caused by"));
});

test("what is logged cannot break out of its line in the text form", () => {
  const lines = logged("text", (log) =>
    log.info({ name: "a\nb\u001b[31m", other: "c\u2028d" }, "one\ntwo\u001b[2Jthree"),
  );
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.split("\n").length, 2);
  for (const character of ["\u001b", "\u2028"]) assert.ok(!lines[0]?.includes(character));
  assert.match(lines[0] ?? "", /INFO {2}one twothree/);
});

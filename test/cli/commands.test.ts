// What a user of the command line sees, against the running service.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";
import type { JsonObject } from "@bufbuild/protobuf";
import { runToEnd } from "../interop/command.ts";
import { type Endpoint, startEndpoint } from "../interop/endpoint.ts";
import { assertWhole, readRecording } from "../interop/recording.ts";
import { datastorage, ENTRY, eventLine, type Folder, temporaryFolder } from "./datastorage.ts";

const SAMPLE = fileURLToPath(new URL("../../examples/remediation.jsonl", import.meta.url));
const REMEDIATION = "rr-5be0c1d49a27-7c1e4f03";

describe("datastorage", () => {
  let endpoint: Endpoint;
  let folder: Folder;
  before(async () => {
    endpoint = await startEndpoint("cli");
    folder = temporaryFolder();
    const { code, stdout } = await call("record", SAMPLE);
    assert.equal(code, 0);
    assert.match(stdout, /^90 events in \d+\.\d s, .*: 90 recorded\n$/);
  });
  after(async () => {
    folder?.remove();
    await endpoint?.close();
  });

  const call = (command: string, ...args: string[]) => datastorage([command, ...args, "--address", endpoint.address]);
  const listed = async (correlationId: string): Promise<JsonObject[]> => {
    const { code, stdout } = await call(
      "list",
      "--all",
      "--json",
      "--order-by",
      "chain_position",
      "--correlation-id",
      correlationId,
    );
    assert.equal(code, 0);
    return stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonObject);
  };

  test("record: once more, everything is a duplicate; with a change, a conflict with file and line", async () => {
    const again = await call("record", SAMPLE, "--json");
    assert.equal(again.code, 0);
    const { recorded, duplicates, events, complete } = JSON.parse(again.stdout);
    assert.deepEqual(
      { recorded, duplicates, events, complete },
      { recorded: 0, duplicates: 90, events: 90, complete: true },
    );
    const changed = readFileSync(SAMPLE, "utf8").trim().split("\n");
    changed[6] = (changed[6] ?? "").replace("Pending", "Painting");
    const file = folder.write("changed.jsonl", changed);
    const { code, stdout } = await call("record", file);
    assert.equal(code, 3);
    assert.match(
      stdout,
      new RegExp(
        `^${file}:7: conflict \\(event [0-9a-f-]{36}\\): event_id: .*\\n90 events .* 89 duplicates, 1 conflict\\n$`,
      ),
    );
  });

  test("record: what is wrong is named with file and line, and the rest is stored", async () => {
    const file = folder.write("mixed.jsonl", [
      eventLine("rr-mixed", 1),
      "{oops",
      "",
      eventLine("rr-mixed", 2, { event_type: "Not A Type", severity: "x".repeat(21) }),
      eventLine("rr-mixed", 3, { event_outcome: undefined }),
      `${JSON.stringify(eventLine("rr-mixed", 4)).slice(0, -2)},"huge":9007199254740993}}`,
      eventLine("rr-mixed", 5),
    ]);
    const { code, stdout } = await call("record", file);
    assert.equal(code, 3);
    assert.match(stdout, new RegExp(`${file}:2: unreadable: is not JSON`));
    assert.match(stdout, new RegExp(`${file}:4: rejected\\n    event_type: .*\\n    severity: `));
    assert.match(stdout, new RegExp(`${file}:5: rejected: event_outcome: is missing; --default-outcome`));
    assert.match(stdout, new RegExp(`${file}:6: rejected: event_data\\.huge: must be a number`));
    assert.match(stdout, /\n5 events .*: 2 recorded, 3 rejected, 1 unreadable line\n$/);
    assert.deepEqual(
      (await listed("rr-mixed")).map((event) => event["event_id"]),
      [1, 5].map((number) => Object(eventLine("rr-mixed", number)).event_id),
    );
  });

  test("record: events without ids from standard input are recognised when they come again", async () => {
    const lines = [1, 2]
      .map((number) => JSON.stringify(eventLine("rr-piped", number, { event_id: undefined })))
      .join("\n");
    const record = () => datastorage(["record", "-", "--address", endpoint.address], { stdin: lines });
    assert.match((await record()).stdout, /: 2 recorded\n$/);
    assert.match((await record()).stdout, /: 0 recorded, 2 duplicates\n$/);
    assert.equal((await listed("rr-piped")).length, 2);
  });

  test("record: what was listed can be recorded, and nothing of it is new", async () => {
    const { stdout } = await call("list", "--all", "--json", "--correlation-id", REMEDIATION);
    const { code, stdout: summary } = await datastorage(["record", "-", "--address", endpoint.address], {
      stdin: stdout,
    });
    assert.equal(code, 0);
    assert.match(summary, /: 0 recorded, 90 duplicates\n$/);
  });

  test("list --json: the sample whole, in order", async () => {
    assertWhole(await listed(REMEDIATION), readRecording(SAMPLE).events);
  });

  test("list: a table with as many events as asked for, and filters by the fields' names", async () => {
    const { stdout, stderr } = await call(
      "list",
      "--limit",
      "2",
      "--event-types",
      "gateway.signal.*",
      "--start-time",
      "2026-09-14",
    );
    assert.equal(stdout.split("\n").length, 4);
    assert.match(stdout, /^TIME \(UTC\) .*\n2026-09-14 07:44:11\.54\d {2}gateway\.signal\.deduplicated {2}success /);
    assert.match(stderr, /There may be more/);
    const people = await call(
      "list",
      "--actor-type",
      "user",
      "--event-outcomes",
      "success",
      "--json",
      "--correlation-id",
      REMEDIATION,
    );
    assert.equal(people.stdout.trim().split("\n").length, 4);
    const tool = await call("list", "--event-data", '{"tool_name":"kubectl_logs"}', "--json");
    assert.match(JSON.parse(tool.stdout).event_id, /^[0-9a-f-]{36}$/);
    const none = await call("list", "--correlation-id", "rr-none");
    assert.deepEqual([none.code, none.stdout, none.stderr], [0, "", "no events match\n"]);
  });

  test("list: the service's word on a filter that cannot be", async () => {
    const { code, stderr } = await call("list", "--event-types", "Not A Type");
    assert.equal(code, 2);
    assert.match(stderr, /^datastorage: the service answered INVALID_ARGUMENT: .*\n {2}filter\.event_types\[0\]: /);
    const json = await call("list", "--order-by", "size", "--json");
    const { error } = JSON.parse(json.stderr);
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.equal(error.violations[0].field, "order_by");
  });

  test("list: a reader that has enough, as head, ends it quietly", async () => {
    const list = [process.execPath, ENTRY, "list", "--all", "--json", "--address", endpoint.address];
    const script = 'set -o pipefail; "$@" | head -n 1';
    const { code, stdout, stderr } = await runToEnd("bash", ["-c", script, "bash", ...list]);
    assert.deepEqual([code, stdout.split("\n").length, stderr], [0, 2, ""]);
  });

  test("get: one event with everything, or that there is none", async () => {
    const [first] = await listed(REMEDIATION);
    const id = String(first?.["event_id"]);
    const { stdout } = await call("get", id);
    assert.match(stdout, /^event_id +[0-9a-f-]{36}\n(.*\n)*event_outcome +success\n(.*\n)*event_data\n\{\n {2}/);
    assert.deepEqual(JSON.parse((await call("get", id, "--json")).stdout), first);
    const none = await call("get", "0199a0ed-cdc8-7eaf-9e6f-ffffffffffff");
    assert.equal(none.code, 4);
    assert.match(none.stderr, /answered NOT_FOUND \(EVENT_NOT_FOUND\): there is no event 0199a0ed/);
  });

  test("timeline: the course of the sample, in colour on a terminal", async () => {
    const args = ["timeline", REMEDIATION, "--address", endpoint.address];
    const { code, stdout } = await datastorage(args, { columns: 120 });
    assert.equal(code, 0);
    assert.ok(stdout.includes(`  ${styleText("green", "Remediated", { validateStream: false })}\n`), stdout);
    const plain = await datastorage(args, { columns: 120, env: { NO_COLOR: "1" } });
    assert.match(plain.stdout, /^rr-5be0c1d49a27-7c1e4f03 {2}Remediated\nSignal {4}ContainerOOMKilled/);
    const { phases, event_count } = JSON.parse((await call("timeline", REMEDIATION, "--json")).stdout);
    assert.deepEqual([phases.length, event_count], [9, 90]);
    const then = JSON.parse((await call("timeline", REMEDIATION, "--json", "--as-of", "57")).stdout);
    assert.equal(then.event_count, 57);
    const none = await call("timeline", "rr-none");
    assert.equal(none.code, 4);
    assert.match(none.stderr, /answered NOT_FOUND \(REMEDIATION_NOT_FOUND\): no event has this correlation_id/);
  });

  test("info: version and limits", async () => {
    assert.match(
      (await call("info")).stdout,
      /^DataStorage \d+\.\d+\.\d+ at http:.*\n(.*\n)*A batch +up to 1,000 events, 4MiB\n(.*\n)*Database +available\nQueue +none: .*\n$/,
    );
    assert.equal(JSON.parse((await call("info", "--json")).stdout).limits.max_batch_events, 1000);
  });

  test("the example on the generated client", async () => {
    const example = fileURLToPath(new URL("../../examples/record.ts", import.meta.url));
    const { code, stdout } = await runToEnd(process.execPath, [example, endpoint.url]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^1 {2}.* gateway\.signal\.received .*"HighLatency".*\n2 {2}.* orchestrator\.lifecycle\.transitioned .*\n$/,
    );
  });
});

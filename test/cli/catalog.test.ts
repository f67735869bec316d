// What a user of `datastorage actiontype` and `datastorage workflow` sees, against the running service.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { JsonObject } from "@bufbuild/protobuf";
import { width } from "../../src/cli/text.ts";
import { actionTypeText } from "../support/catalog.ts";
import { once, startTcpProxy, type TcpProxy } from "../support/tcp_proxy.ts";
import { catalogSite, linesOf, objectsOf } from "./catalog_site.ts";
import { datastorage } from "./datastorage.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/catalog", import.meta.url));
const PAGE = fileURLToPath(new URL("../../docs/catalog.md", import.meta.url));
const RECORDED = process.env["DATASTORAGE_TEST_DATA"];

describe("the examples", () => {
  const { call, on } = catalogSite("cli-examples");

  test("a dry run tells what would happen, and writes nothing", async () => {
    const { code, stdout, stderr } = await call("actiontype", "apply", "-f", EXAMPLES, "--dry-run");
    assert.deepEqual([code, stderr], [0, ""]);
    const lines = linesOf(stdout);
    assert.ok(lines.includes("actiontype PauseRollout created (dry run)"), stdout);
    assert.equal(lines.at(-1), "4 action types in 7 files: 4 created; 4 files without one (dry run)");
    const listed = await call("actiontype", "list");
    assert.deepEqual(listed, { code: 0, stdout: "", stderr: "no action types match\n" });
    const [object] = objectsOf((await call("actiontype", "apply", EXAMPLES, "--dry-run", "--json")).stdout);
    assert.deepEqual([object?.["outcome"], object?.["dry_run"]], ["REGISTRATION_OUTCOME_CREATED", true]);
  });

  test("applied, they are created; applied again, unchanged", async () => {
    for (const outcome of ["created", "unchanged"]) {
      const types = await call("actiontype", "apply", join(EXAMPLES, "action-types"));
      assert.deepEqual([types.code, types.stderr], [0, ""]);
      assert.equal(linesOf(types.stdout).at(-1), `4 action types in 3 files: 4 ${outcome}`);
      const workflows = await call("workflow", "apply", join(EXAMPLES, "workflows"));
      assert.deepEqual([workflows.code, workflows.stderr], [0, ""]);
      assert.deepEqual(linesOf(workflows.stdout), [
        `workflow grow-volume 2.0.0 ${outcome}`,
        `workflow reload-edge-proxies 1.0.0-rc.1 ${outcome}`,
        `workflow restart-stateful-set-gitops 0.9.1 ${outcome}`,
        `workflow restart-stateful-set 1.2.0 ${outcome}`,
        `4 workflows in 4 files: 4 ${outcome}`,
      ]);
    }
  });

  test("lists: tables that fit the terminal, and their objects", async () => {
    for (const [columns, ...command] of [
      [80, "workflow", "list"],
      [120, "workflow", "list", "--latest"],
      [60, "actiontype", "list", "--status", "active"],
      [80, "workflow", "match"],
      [80, "workflow", "match", "--action-type", "RestartStatefulSet"],
      [60, "workflow", "get", "restart-stateful-set"],
      [60, "actiontype", "get", "RestartStatefulSet"],
    ] as const) {
      const { code, stdout } = await on(columns, ...command);
      assert.equal(code, 0);
      for (const line of linesOf(stripVTControlCharacters(stdout))) assert.ok(width(line) <= columns, line);
    }
    const all = objectsOf((await call("workflow", "list", "--json", "--status", "active,disabled")).stdout);
    assert.equal(all.length, 4);
    const own = await call("workflow", "list", "--action-type", "ResizeVolume");
    assert.match(own.stdout, /^WORKFLOW .*\ngrow-volume {2}\* 2\.0\.0 {2}active /);
    const narrow = stripVTControlCharacters((await on(40, "workflow", "list", "--latest")).stdout);
    for (const line of linesOf(narrow).slice(1)) assert.match(line, / \* /);
    assert.equal((await call("workflow", "list", "--limit", "1")).stderr.slice(0, 17), "There may be more");
    assert.equal((await call("workflow", "list", "--name", "none")).stderr, "no workflows match\n");
  });

  test("match: first the action types, then the workflows, the best first", async () => {
    const context = ["--severity", "critical", "--component", "apps/v1/StatefulSet", "--detected", "gitOpsTool=argocd"];
    const types = await call("workflow", "match", ...context);
    assert.deepEqual(
      linesOf(types.stdout).map((line) => line.split(/ {2,}/).slice(0, 2)),
      [
        ["ACTION TYPE", "WORKFLOWS"],
        ["RestartStatefulSet", "2"],
      ],
    );
    const type = ["--action-type", "RestartStatefulSet"];
    const { stdout } = await call("workflow", "match", ...context, ...type);
    const [heading = "", ...rows] = linesOf(stdout);
    assert.match(heading, /^RANK {2}WORKFLOW +VERSION +WHAT +WORKFLOW ID$/);
    assert.deepEqual(
      rows.map((row) => row.split(/ +/).slice(0, 3)),
      [
        ["1", "restart-stateful-set-gitops", "0.9.1"],
        ["2", "restart-stateful-set", "1.2.0"],
      ],
    );
    const json = objectsOf((await call("workflow", "match", ...context, ...type, "--json")).stdout);
    assert.deepEqual(
      json.map(({ rank, score }) => [rank, score]),
      [
        [1, undefined],
        [2, undefined],
      ],
    );
    const none = await call("workflow", "match", "--action-type", "Nothing");
    assert.deepEqual(none, { code: 0, stdout: "", stderr: "no workflows match\n" });
  });

  test("the commands at the head of docs/catalog.md find something", async () => {
    const commands = readFileSync(PAGE, "utf8").matchAll(/^npx datastorage (.+)$/gm);
    const [actionTypes, workflows, match, ...others] = Array.from(commands, ([, words = ""]) => words.split(" "));
    assert.ok(actionTypes && workflows && match && others.length === 0);
    for (const words of [actionTypes, workflows]) {
      const { code, stderr } = await call(...words.map((word) => word.replace("examples/catalog", EXAMPLES)));
      assert.deepEqual([code, stderr], [0, ""]);
    }
    const { stdout } = await call(...match);
    assert.match(stdout, /^RestartStatefulSet +2 /m);
  });

  test("match --explain: what each label gave, and who was left out by which", async () => {
    const asked = ["--severity", "info", "--detected", "gitOpsTool=argocd", "--action-type", "RestartStatefulSet"];
    const { code, stdout } = await call("workflow", "match", ...asked, "--explain");
    assert.equal(code, 0);
    assert.match(stdout, /^1\. restart-stateful-set-gitops 0\.9\.1 {2}score 0\.51\n/);
    assert.match(stdout, /\n {5}\+0\.1 +detectedLabels\.gitOpsTool +asked argocd; the workflow has argocd\n/);
    assert.match(
      stdout,
      /\nLeft out: 1 workflow\n {2}restart-stateful-set 1\.2\.0\n {5}labels\.severity {2}asked info; the workflow has critical, high, medium\n$/,
    );
    const json = objectsOf((await call("workflow", "match", ...asked, "--explain", "--json")).stdout);
    assert.deepEqual(
      json.map((one) => [one["score"], (one["excluded"] as JsonObject | undefined)?.["workflow_name"]]),
      [
        [0.51, undefined],
        [undefined, "restart-stateful-set"],
      ],
    );
  });

  test("match leaves its event with the remediation that is given", async () => {
    const rr = "rr-0123456789ab-cli";
    await call("workflow", "match", "--remediation-id", rr);
    const deadline = AbortSignal.timeout(5000);
    for (let events: JsonObject[] = []; events.length === 0; ) {
      assert.ok(!deadline.aborted, "no event");
      events = objectsOf((await call("list", "--correlation-id", rr, "--json")).stdout);
      for (const event of events) assert.equal(event["event_type"], "workflow.catalog.actions_listed");
    }
  });
});

describe("a connection that breaks", () => {
  let proxy: TcpProxy;
  const { address, write } = catalogSite("cli-breaks");
  before(async () => {
    proxy = await startTcpProxy(Number(address().split(":")[1]));
  });
  after(() => proxy?.close());

  /** Applies a file, and breaks the connection before the answer to what comes from standard input. */
  const applyTwo = (name: string, ...flags: string[]) => {
    const first = write(`${name}.json`, actionTypeText(`${name}First`));
    async function* stdin() {
      once(proxy, "down", () => true, "cut");
      yield Buffer.from(actionTypeText(`${name}Second`));
    }
    const args = ["actiontype", "apply", first, "-", "--address", `127.0.0.1:${proxy.port}`, ...flags];
    return datastorage(args, { stdin: stdin() });
  };

  test("what was not answered is sent again, and is not there twice", async () => {
    const { code, stdout, stderr } = await applyTwo("Patient");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Trying again in 250ms: the service at .* cannot be reached/);
    // The change may have been made before the answer was lost.
    assert.match(
      stdout,
      /^actiontype PatientFirst created\nactiontype PatientSecond (created|unchanged)\n2 action types/,
    );
  });

  test("with no time to go on, it is told how far it came", async () => {
    const { code, stdout, stderr } = await applyTwo("Hasty", "--retry-for", "0s");
    assert.equal(code, 1);
    assert.match(stderr, /^datastorage: the service at .* cannot be reached/);
    assert.match(
      stdout,
      /^actiontype HastyFirst created\n1 action type in 2 files: 1 created\nStopped before the end; /,
    );
  });
});

describe("the objects of real clusters", { skip: !RECORDED && "DATASTORAGE_TEST_DATA is not set" }, () => {
  const { call } = catalogSite("cli-recorded");

  test("all are created, and unchanged when they are applied again", async () => {
    for (const outcome of ["created", "unchanged"]) {
      for (const [group, noun, folder] of [
        ["actiontype", "action types", "action-types"],
        ["workflow", "workflows", "workflows"],
      ] as const) {
        const { code, stdout, stderr } = await call(group, "apply", "-f", join(RECORDED ?? "", folder));
        assert.deepEqual([code, stderr], [0, ""], stdout);
        assert.match(stdout, new RegExp(`\\n(\\d+) ${noun} in \\1 files: \\1 ${outcome}\\n$`));
      }
    }
  });
});

test("wrong usage is told before anything is asked", async () => {
  for (const [args, told] of [
    [["actiontype", "apply"], /FILE is missing/],
    [["workflow", "apply", "-f", "/nowhere.yaml"], /\/nowhere\.yaml cannot be read \(ENOENT\)/],
    [["actiontype", "list", "--status", "gone"], /--status must be one of active, disabled/],
    [["actiontype", "disable", "X"], /--reason TEXT is missing/],
    [["workflow", "list", "--status", "active,gone"], /--status must be one of active, .*superseded, and not "gone"/],
    [["workflow", "list", "--all", "--limit", "3"], /--all and --limit do not go together/],
    [["workflow", "get"], /NAME\|ID is missing/],
    [["workflow", "get", "x", "--yaml", "--json"], /--yaml and --json do not go together|"error"/],
    [["workflow", "get", "00000000-0000-5000-8000-000000000000", "--version", "1"], /--version goes with a name/],
    [["workflow", "compare", "x", "1.0.0"], /NAME FROM TO must be given/],
    [["workflow", "archive", "x", "--reason", " "], /--reason TEXT is missing/],
    [["workflow", "match", "--explain"], /--explain goes with --action-type/],
    [["workflow", "aply"], /"workflow aply" is no command; did you mean workflow apply\?/],
  ] as const) {
    const { code, stderr } = await datastorage([...args, "--address", "127.0.0.1:1"]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, told);
  }
});

test("a service that is not there is told at once", async () => {
  const { code, stdout, stderr } = await datastorage(["actiontype", "apply", EXAMPLES, "--address", "127.0.0.1:1"]);
  assert.equal(code, 1);
  assert.equal(stdout, "0 action types in 1 file\nStopped before the end; applying the same files again is safe.\n");
  assert.match(stderr, /cannot be reached \(ECONNREFUSED\)/);
});

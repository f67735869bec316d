// What a user of `datastorage actiontype` and `datastorage workflow` sees, against the running service.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { JsonObject } from "@bufbuild/protobuf";
import { width } from "../../src/cli/text.ts";
import { type Endpoint, startEndpoint } from "../interop/endpoint.ts";
import { actionTypeText, workflowText } from "../support/catalog.ts";
import { once, startTcpProxy, type TcpProxy } from "../support/tcp_proxy.ts";
import { datastorage, type Folder, temporaryFolder } from "./datastorage.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/catalog", import.meta.url));
const RECORDED = process.env["DATASTORAGE_TEST_DATA"];
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/;

const linesOf = (text: string) => (text === "" ? [] : text.trimEnd().split("\n"));
const objectsOf = (text: string) => linesOf(text).map((line) => JSON.parse(line) as JsonObject);

/** A service with an empty catalog and a folder for files, both gone when the suite ends. */
function site(name: string) {
  let endpoint: Endpoint;
  let folder: Folder;
  before(async () => {
    endpoint = await startEndpoint(name);
    folder = temporaryFolder();
  });
  after(async () => {
    folder?.remove();
    await endpoint?.close();
  });
  return {
    address: () => endpoint.address,
    call: (...args: string[]) => datastorage([...args, "--address", endpoint.address]),
    on: (columns: number, ...args: string[]) => datastorage([...args, "--address", endpoint.address], { columns }),
    piped: (stdin: string, ...args: string[]) => datastorage([...args, "--address", endpoint.address], { stdin }),
    write: (file: string, ...texts: string[]) => folder.write(file, texts),
    /** A version of the workflow `web`. */
    version: (version: string, more: object = {}) =>
      workflowText("web", { version, actionType: "RestartWeb", ...more }),
  };
}

describe("the examples", () => {
  const { call, on } = site("cli-examples");

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
    assert.match(own.stdout, /^WORKFLOW .*\ngrow-volume {2}2\.0\.0 \* {2}active /);
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

describe("versions and states", () => {
  const { call, piped, write, version } = site("cli-versions");
  before(async () => {
    const { code } = await piped(actionTypeText("RestartWeb"), "actiontype", "apply", "-");
    assert.equal(code, 0);
  });
  const apply = (text: string, ...flags: string[]) => piped(text, "workflow", "apply", "-f", "-", ...flags);

  test("a new version supersedes, a lower one needs a flag", async () => {
    assert.equal(linesOf((await apply(version("1.0.0"))).stdout)[0], "workflow web 1.0.0 created");
    const severity = { severity: ["low"], component: "*", environment: "*", priority: "*" };
    const next = await apply(version("1.1.0", { labels: severity }));
    assert.equal(next.stdout, "workflow web 1.1.0 supersedes 1.0.0\n1 workflow in 1 file: 1 superseding\n");
    const lower = await apply(version("1.0.5"));
    assert.equal(lower.code, 3);
    assert.match(linesOf(lower.stdout)[0] ?? "", /^standard input: refused \(VERSION_LOWER\): /);
    const downgrade = await apply(version("1.0.5"), "--allow-downgrade", "--dry-run");
    assert.equal(linesOf(downgrade.stdout)[0], "workflow web 1.0.5 supersedes 1.1.0 (dry run)");
    const changed = await apply(version("1.1.0"), "--json");
    const error = objectsOf(changed.stdout)[0]?.["error"] as JsonObject;
    assert.deepEqual([error["code"], error["reason"]], ["FAILED_PRECONDITION", "VERSION_CONTENT_CHANGED"]);
  });

  test("compare: each difference with both values", async () => {
    const { code, stdout } = await call("workflow", "compare", "web", "1.0.0", "1.1.0");
    assert.equal(code, 0);
    assert.match(stdout, /^spec\.labels\.environment\n {2}- "production"\n {2}\+ "\*"\n/m);
    const json = objectsOf((await call("workflow", "compare", "web", "1.0.0", "1.1.0", "--json")).stdout);
    assert.ok(json.some(({ path }) => path === "spec.labels.component"));
    assert.equal((await call("workflow", "compare", "web", "1.0.0", "1.0.0")).stderr, "nothing differs\n");
    assert.equal((await call("workflow", "compare", "web", "1.0.0", "3.0.0")).code, 4);
  });

  test("get: by name, by version and by id; as YAML it can be applied again", async () => {
    const text = await call("workflow", "get", "web");
    assert.match(text.stdout, /^web 1\.1\.0 active \(latest\)\n/);
    const old = await call("workflow", "get", "web", "--version", "1.0.0");
    assert.match(old.stdout, /^web 1\.0\.0 superseded\n/);
    const [id = ""] = UUID.exec(old.stdout) ?? [];
    const [object] = objectsOf((await call("workflow", "get", id, "--json")).stdout);
    assert.deepEqual([object?.["workflow_id"], object?.["version"]], [id, "1.0.0"]);
    const { stdout } = await call("workflow", "get", "web", "--yaml");
    assert.equal(linesOf((await apply(stdout)).stdout)[0], "workflow web 1.1.0 unchanged");
    const versions = async (...args: string[]) =>
      objectsOf((await call("workflow", "list", "--name", "web", "--json", ...args)).stdout).map(
        (one) => one["version"],
      );
    assert.deepEqual(await versions(), ["1.1.0", "1.0.0"]);
    assert.deepEqual(await versions("--latest"), ["1.1.0"]);
    assert.deepEqual(await versions("--status", "superseded"), ["1.0.0"]);
    for (const args of [["nothing"], ["web", "--version", "9.9.9"], ["00000000-0000-5000-8000-000000000000"]])
      assert.equal((await call("workflow", "get", ...args)).code, 4);
  });

  test("lifecycle: by name or id, with a reason; what the state does not allow is refused", async () => {
    const change = (act: string, ...more: string[]) => call("workflow", act, "web", "--reason", "a test", ...more);
    assert.equal((await change("disable")).stdout, "workflow web 1.1.0 disabled\n");
    assert.equal((await change("disable")).stdout, "workflow web 1.1.0 disabled already\n");
    assert.match((await call("workflow", "get", "web")).stdout, /^Reason +a test$/m);
    const mismatch = await change("enable", "--etag", "1");
    assert.equal(mismatch.code, 3);
    assert.match(mismatch.stderr, /ABORTED \(ETAG_MISMATCH\)/);
    const [object] = objectsOf((await call("workflow", "get", "web", "--json")).stdout);
    const enabled = await change("enable", "--etag", String(object?.["etag"]), "--json");
    const workflow = objectsOf(enabled.stdout)[0]?.["workflow"] as JsonObject | undefined;
    assert.equal(workflow?.["status"], "WORKFLOW_STATUS_ACTIVE");
    const superseded = await change("archive", "--version", "1.0.0");
    assert.equal(superseded.code, 3);
    assert.match(superseded.stderr, /FAILED_PRECONDITION \(TRANSITION_NOT_ALLOWED\)/);
    const inUse = await call("actiontype", "disable", "RestartWeb", "--reason", "a test");
    assert.equal(inUse.code, 3);
    assert.match(inUse.stderr, /\(ACTION_TYPE_IN_USE\).*web/);
    const id = String(object?.["workflow_id"]);
    const deprecated = await call("workflow", "deprecate", id, "--reason", "a test");
    assert.equal(deprecated.stdout, "workflow web 1.1.0 deprecated\n");
    assert.equal((await change("archive")).stdout, "workflow web 1.1.0 archived\n");
    const disabled = await call("actiontype", "disable", "RestartWeb", "--reason", "a test");
    assert.equal(disabled.stdout, "actiontype RestartWeb disabled\n");
    assert.match((await call("actiontype", "list", "--status", "disabled")).stdout, /\nRestartWeb +disabled /);
    assert.equal((await call("actiontype", "list", "--status", "active")).stdout, "");
    assert.match((await call("actiontype", "get", "RestartWeb")).stdout, /^Status +disabled since .* by \S+$/m);
    const again = await piped(actionTypeText("RestartWeb"), "actiontype", "apply", "-");
    assert.equal(linesOf(again.stdout)[0], "actiontype RestartWeb reenabled");
  });

  test("what is wrong is told with file and rules, and the others are applied", async () => {
    const bad = write("bad.yaml", workflowText("bad", { version: "1", actionType: "RestartWeb" }));
    const broken = write("broken.yaml", "kind: RemediationWorkflow\n  indented: wrongly");
    const good = write("good.json", workflowText("good", { actionType: "RestartWeb", odd: true }));
    const other = write("other.yaml", "kind: Secret");
    const several = write(
      "several.yaml",
      workflowText("one", { actionType: "RestartWeb" }),
      "---",
      workflowText("two"),
    );
    const { code, stdout, stderr } = await call("workflow", "apply", bad, broken, good, other, "-f", several);
    assert.equal(code, 3);
    const lines = linesOf(stdout);
    assert.deepEqual(lines.slice(0, 1), [`${bad}: refused`]);
    assert.match(lines[1] ?? "", /^ {4}spec\.version: must be /);
    assert.equal(lines[2], `${broken}: refused`);
    assert.match(lines[3] ?? "", /^ {4}content: .*line 2/);
    const rest = stdout.slice(stdout.indexOf("workflow good"));
    assert.match(rest, /^workflow good 1\.2\.3 created\n/);
    assert.ok(
      rest.includes(`${other}: holds no document of kind RemediationWorkflow\nworkflow one 1.2.3 created\n`),
      rest,
    );
    assert.match(rest, new RegExp(`\\n${several}:2: refused \\(ACTION_TYPE_UNKNOWN\\): .*\\n`));
    assert.match(rest, /\n5 workflows in 5 files: 3 refused, 2 created; 1 file not usable\n$/);
    assert.match(stderr, new RegExp(`^${good}: warning: .*spec\\.odd`));
  });

  test("what the catalog says reaches no terminal as control codes", async () => {
    const what = "\u001b[2Jclears\u009b the screen \u202e";
    const spec = { actionType: "RestartWeb", description: { what, whenToUse: what } };
    assert.equal((await apply(workflowText("evil", spec))).code, 0);
    for (const args of [
      ["workflow", "get", "evil"],
      ["workflow", "match", "--action-type", "RestartWeb"],
      ["workflow", "match", "--action-type", "RestartWeb", "--explain"],
    ]) {
      const { code, stdout } = await call(...args);
      assert.equal(code, 0);
      assert.match(stdout, /clears/);
      assert.ok(!/[\p{Cc}\u202e]/u.test(stdout.replaceAll("\n", "")), stdout);
    }
  });
});

describe("a connection that breaks", () => {
  let proxy: TcpProxy;
  const { address, write } = site("cli-breaks");
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
  const { call } = site("cli-recorded");

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

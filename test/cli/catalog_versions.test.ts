// What a user of `datastorage workflow` sees of versions, their states, and objects that are refused.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { actionTypeText, workflowText } from "../support/catalog.ts";
import { catalogSite, linesOf, objectsOf } from "./catalog_site.ts";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/;

describe("versions and states", () => {
  const { call, piped, write } = catalogSite("cli-versions");
  const version = (version: string, more: object = {}) =>
    workflowText("web", { version, actionType: "RestartWeb", ...more });
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

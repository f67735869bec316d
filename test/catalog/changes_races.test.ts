// Changes at the same moment: whatever the order, the rules hold, and the events tell what happened.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import semver from "semver";
import type { Fault } from "../../src/fault.ts";
import { openChangesSite, outcomeOf } from "./changes_site.ts";
import { actionTypeContent, workflowContent } from "./contents.ts";
import { assertToldByEvents, versionEvents } from "./told_by_events.ts";

const site = await openChangesSite({ after });
const { changes, admin } = site;
const BY = { by: "alice", etag: "", reason: "a test" };
const REGISTER = { ...BY, validateOnly: false, allowDowngrade: false };

/** The reasons of the calls that were refused; throws what is not in `allowed`. */
async function refusals(calls: readonly Promise<unknown>[], allowed: readonly string[]): Promise<string[]> {
  const ended = await Promise.all(calls.map((call) => outcomeOf(call)));
  const reasons = ended.flatMap(({ reason }) => reason ?? []);
  const others = ended.filter(({ reason }) => reason !== undefined && !allowed.includes(reason));
  assert.deepEqual(
    others.map(({ fault }) => (fault as Fault).message),
    [],
  );
  return reasons;
}

test("of 16 versions registered at once one is active and the latest, and each call has its answer", async () => {
  await changes.registerActionType(actionTypeContent("Race"), REGISTER);
  for (let round = 0; round < 6; round++) {
    const name = `race-${round}`;
    const versions = Array.from({ length: 16 }, (_, index) => `1.${index}.0`);
    if (round % 2 === 1) versions.reverse();
    const allowDowngrade = round >= 4;
    const calls = versions.map((version) =>
      changes.registerWorkflow(workflowContent({ name, version, actionType: "Race" }), { ...REGISTER, allowDowngrade }),
    );
    const reasons = await refusals(calls, allowDowngrade ? [] : ["VERSION_LOWER"]);
    const rows = await site.workflows(name);
    assert.equal(rows.length + reasons.length, versions.length);
    assert.deepEqual(
      rows.filter(({ status }) => status !== "superseded").map((row) => [row.status, row.is_latest_version]),
      [["active", true]],
    );
    const active = rows.find(({ status }) => status === "active")?.version ?? "";
    if (!allowDowngrade)
      assert.equal(
        active,
        rows
          .map(({ version }) => version)
          .sort(semver.compare)
          .at(-1),
      );
    const superseded = (await versionEvents(site, name)).filter(({ data }) => data["to_status"] === "superseded");
    assert.equal(superseded.length, rows.length - 1);
    await assertToldByEvents(site, name);
  }
});

test("one version registered 16 times at once is created once", async () => {
  const content = workflowContent({ name: "once", actionType: "Race" });
  const done = await Promise.all(Array.from({ length: 16 }, () => changes.registerWorkflow(content, REGISTER)));
  const results = Object.groupBy(done, ({ result }) => result);
  assert.deepEqual([results.created?.length, results.unchanged?.length], [1, 15]);
  assert.equal(new Set(done.map(({ row }) => row.revision)).size, 1);
  assert.equal((await versionEvents(site, "once")).length, 1);
});

test("one version registered with 16 contents at once has one of them", async () => {
  const calls = Array.from({ length: 16 }, (_, index) =>
    changes.registerWorkflow(workflowContent({ name: "contents", actionType: "Race", what: `${index}` }), REGISTER),
  );
  const reasons = await refusals(calls, ["VERSION_CONTENT_CHANGED"]);
  assert.equal(reasons.length, 15);
  assert.equal((await site.workflows("contents")).length, 1);
});

test("an etag lets one of 16 changes through", async () => {
  const { row } = await changes.registerActionType(actionTypeContent("Tagged"), REGISTER);
  const calls = Array.from({ length: 16 }, (_, index) => {
    const { description } = actionTypeContent("Tagged", `words ${index}`);
    return changes.updateActionType("Tagged", description, { by: "alice", etag: row.revision });
  });
  assert.equal((await refusals(calls, ["ETAG_MISMATCH"])).length, 15);
});

test("versions that are enabled, disabled and registered at once keep to the rules", async () => {
  const name = "churn";
  const contents = ["1.0.0", "2.0.0", "3.0.0"].map((version) => workflowContent({ name, version, actionType: "Race" }));
  for (const content of contents) await changes.registerWorkflow(content, REGISTER);
  const allowed = ["TRANSITION_NOT_ALLOWED", "ANOTHER_VERSION_ACTIVE"];
  for (let round = 0; round < 8; round++) {
    await refusals(
      contents.flatMap((content) => [
        changes.changeWorkflow("disable", content.workflowId, BY),
        changes.changeWorkflow("enable", content.workflowId, BY),
        changes.registerWorkflow(content, { ...REGISTER, allowDowngrade: true }),
      ]),
      allowed,
    );
    const rows = await site.workflows(name);
    assert.equal(rows.filter(({ is_latest_version }) => is_latest_version).length, 1);
    await assertToldByEvents(site, name);
  }
});

test("no workflow is ever active under an action type that is disabled, and no change fails for another reason", async () => {
  const actionType = "Contested";
  const stop = new AbortController();
  const watched = watch(actionType, stop.signal);
  for (let round = 0; round < 40; round++) {
    await changes.registerActionType(actionTypeContent(actionType), REGISTER);
    const content = workflowContent({ name: `contested-${round}`, actionType });
    const disabling = outcomeOf(changes.disableActionType(actionType, BY));
    const registering = [1, 2].map(() => outcomeOf(changes.registerWorkflow(content, REGISTER)));
    const [disabled, registered] = [await disabling, await Promise.all(registering)];
    const isDisabled = (await site.actionType(actionType))?.status === "disabled";
    assert.ok([undefined, "ACTION_TYPE_IN_USE"].includes(disabled.reason), String(disabled.fault));
    assert.equal(isDisabled, disabled.reason === undefined);
    for (const { reason, fault } of registered) {
      assert.ok([undefined, "ACTION_TYPE_DISABLED"].includes(reason), String(fault));
      assert.equal(isDisabled, reason !== undefined, "either of the two wins");
    }
    if (!isDisabled) await changes.changeWorkflow("disable", content.workflowId, BY);
  }
  stop.abort();
  assert.ok((await watched) > 0);
});

/** Looks again and again for what must never be seen; gives how often it looked. */
async function watch(actionType: string, signal: AbortSignal): Promise<number> {
  let looks = 0;
  while (!signal.aborted) {
    looks++;
    const seen: readonly object[] = await admin`
      SELECT 1 FROM remediation_workflow_catalog JOIN action_type_taxonomy AS kind USING (action_type)
      WHERE action_type = ${actionType} AND remediation_workflow_catalog.status = 'active' AND kind.status = 'disabled'`;
    assert.equal(seen.length, 0);
  }
  return looks;
}

test("all chains hold, and what was told is what was stored", async () => {
  const [stored] = await admin<{ count: number }[]>`SELECT count(*)::int FROM audit_events`;
  assert.equal(site.recorded.length, stored?.count);
  assert.deepEqual([await site.faults(), site.defects], [[], []]);
});

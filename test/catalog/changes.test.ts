// What each change of the catalog leaves: rows, and exactly the events that tell of it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { parseTimestamp, timestampText } from "../../src/audit/timestamp.ts";
import type { WorkflowRow } from "../../src/catalog/rows.ts";
import { openChangesSite, outcomeOf } from "./changes_site.ts";
import { actionTypeContent, workflowContent } from "./contents.ts";

const site = await openChangesSite({ after });

const BY = { by: "alice", etag: "" };
const REGISTER = { ...BY, validateOnly: false };
const WORKFLOW = { ...REGISTER, allowDowngrade: false };
const WHY = { ...BY, by: "bob", reason: "it misbehaves" };

/** A name that no other test has, and an action type for it. */
async function fresh(name: string) {
  const actionType = `Type${name}`;
  await site.changes.registerActionType(actionTypeContent(actionType), REGISTER);
  const content = (version: string, what?: string) =>
    workflowContent({ name, version, actionType, ...(what !== undefined && { what }) });
  const register = (version: string, options: Partial<typeof WORKFLOW> = {}) =>
    site.changes.registerWorkflow(content(version), { ...WORKFLOW, ...options });
  const rows = async () => new Map((await site.workflows(name)).map((row) => [row.version, row]));
  return { name, actionType, content, register, rows };
}

/** What an event of a workflow always says. */
function facts(row: WorkflowRow) {
  const { workflow_id, workflow_name, version, action_type, status, is_latest_version, content_hash } = row;
  return { workflow_id, workflow_name, version, action_type, status, is_latest_version, content_hash };
}

function event(type: string, resource: readonly [string, string], by: string, data: object, outcome = "success") {
  return {
    event_type: `datastorage.${type}`,
    event_outcome: outcome,
    resource_type: resource[0],
    resource_id: resource[1],
    actor_id: by,
    recorded_by: by,
    event_data: data,
  };
}

const workflowEvent = (kind: string, row: WorkflowRow, by: string, data: object) =>
  event(`workflow.${kind}`, ["RemediationWorkflow", row.workflow_id], by, { ...facts(row), ...data });

test("an action type is created, updated, disabled and made active again, an event each", async () => {
  const { changes } = site;
  const name = "Rollback";
  const subject = ["ActionType", name] as const;
  const first = actionTypeContent(name, "first").description;
  const second = actionTypeContent(name, "second").description;
  const steps = [
    [
      () => changes.registerActionType({ actionType: name, description: first }, REGISTER),
      "created",
      event("actiontype.created", subject, "alice", { action_type: name, status: "active", description: first }),
    ],
    [
      () => changes.registerActionType({ actionType: name, description: second }, REGISTER),
      "updated",
      event("actiontype.updated", subject, "alice", {
        action_type: name,
        status: "active",
        description: second,
        old_description: first,
      }),
    ],
    [
      () => changes.updateActionType(name, first, { by: "carol", etag: "" }),
      "updated",
      event("actiontype.updated", subject, "carol", {
        action_type: name,
        status: "active",
        description: first,
        old_description: second,
      }),
    ],
    [
      () => changes.disableActionType(name, WHY),
      undefined,
      event("actiontype.disabled", subject, "bob", { action_type: name, status: "disabled", reason: "it misbehaves" }),
    ],
  ] as const;
  for (const [act, result, wanted] of steps) {
    const changed = await act();
    assert.equal("result" in changed ? changed.result : undefined, result);
    assert.match(changed.correlationId, /^catalog-[0-9a-f-]{36}$/);
    assert.deepEqual(await site.events(changed.correlationId), [wanted]);
    assert.deepEqual(changed.row, await site.actionType(name));
  }
  const disabled = await site.actionType(name);
  assert.deepEqual([disabled?.status, disabled?.disabled_by], ["disabled", "bob"]);
  const back = await changes.registerActionType({ actionType: name, description: second }, REGISTER);
  assert.deepEqual([back.result, back.row], ["reenabled", await site.actionType(name)]);
  assert.deepEqual(await site.events(back.correlationId), [
    event("actiontype.reenabled", subject, "alice", {
      action_type: name,
      status: "active",
      description: second,
      old_description: first,
      previously_disabled_by: "bob",
      previously_disabled_at: timestampText(parseTimestamp(disabled?.disabled_at ?? "")),
    }),
  ]);
});

test("a version is created, superseded and comes back, an event for each row", async () => {
  const { register, rows, content } = await fresh("shop");
  const created = await register("1.0.0");
  assert.deepEqual([created.result, created.supersededVersion], ["created", ""]);
  const one = (await rows()).get("1.0.0") as WorkflowRow;
  assert.deepEqual(created.row, one);
  const { executionBundle, executionBundleDigest } = content("1.0.0");
  const bundle = { execution_bundle: executionBundle, execution_bundle_digest: executionBundleDigest };
  assert.deepEqual(await site.events(created.correlationId), [workflowEvent("created", one, "alice", bundle)]);

  const next = await register("2.0.0", { by: "bob" });
  assert.deepEqual([next.result, next.supersededVersion], ["superseded_previous", "1.0.0"]);
  const both = await rows();
  const [old, latest] = [both.get("1.0.0") as WorkflowRow, both.get("2.0.0") as WorkflowRow];
  assert.deepEqual(next.row, latest);
  assert.deepEqual([old.status, old.is_latest_version, old.updated_by], ["superseded", false, "bob"]);
  assert.deepEqual(await site.events(next.correlationId), [
    workflowEvent("updated", old, "bob", {
      from_status: "active",
      to_status: "superseded",
      reason: "superseded by version 2.0.0",
      superseded_by: { workflow_id: latest.workflow_id, version: "2.0.0" },
    }),
    workflowEvent("created", latest, "bob", bundle),
  ]);

  const back = await register("1.0.0", { allowDowngrade: true });
  assert.deepEqual([back.result, back.supersededVersion], ["superseded_previous", "2.0.0"]);
  const now = await rows();
  assert.deepEqual(back.row, now.get("1.0.0"));
  assert.deepEqual(
    (await site.events(back.correlationId)).map(({ event_type, event_data }) => [
      event_type,
      event_data["version"],
      event_data["from_status"],
      event_data["to_status"],
    ]),
    [
      ["datastorage.workflow.updated", "2.0.0", "active", "superseded"],
      ["datastorage.workflow.updated", "1.0.0", "superseded", "active"],
    ],
  );
});

test("a version is disabled, enabled, deprecated and archived, an event each with its reason", async () => {
  const { register, rows } = await fresh("cycle");
  const { row } = await register("1.0.0");
  let from = "active";
  for (const [act, to] of [
    ["disable", "disabled"],
    ["enable", "active"],
    ["deprecate", "deprecated"],
    ["archive", "archived"],
  ] as const) {
    const changed = await site.changes.changeWorkflow(act, row.workflow_id.toUpperCase(), WHY);
    const now = (await rows()).get("1.0.0") as WorkflowRow;
    assert.deepEqual(changed.row, now);
    assert.deepEqual([now.status, now.status_reason, now.updated_by], [to, "it misbehaves", "bob"]);
    const told = { from_status: from, to_status: to, reason: "it misbehaves" };
    assert.deepEqual(await site.events(changed.correlationId), [workflowEvent("updated", now, "bob", told)]);
    from = to;
  }
});

test("the version that gives up being the latest is told of as well", async () => {
  const { register, rows } = await fresh("latest");
  const one = await register("1.0.0");
  await site.changes.changeWorkflow("disable", one.row.workflow_id, WHY);
  const two = await register("2.0.0");
  assert.equal(two.result, "created");
  const old = (await rows()).get("1.0.0") as WorkflowRow;
  assert.deepEqual([old.status, old.is_latest_version, old.status_reason], ["disabled", false, "it misbehaves"]);
  assert.deepEqual((await site.events(two.correlationId))[0]?.event_data, {
    ...facts(old),
    from_status: "disabled",
    to_status: "disabled",
    replaced_as_latest_by: { workflow_id: two.row.workflow_id, version: "2.0.0" },
  });
  await site.changes.changeWorkflow("disable", two.row.workflow_id, WHY);
  await site.changes.changeWorkflow("enable", one.row.workflow_id, WHY);
  const now = await rows();
  assert.deepEqual([now.get("1.0.0")?.is_latest_version, now.get("2.0.0")?.is_latest_version], [true, false]);
  assert.equal((await register("2.0.0", { allowDowngrade: true })).result, "superseded_previous");
});

test("what is as wanted already is left alone: no row, no event, no revision", async () => {
  const { register, actionType } = await fresh("same");
  const { row } = await register("1.0.0");
  const unused = await fresh("unused");
  await site.changes.disableActionType(unused.actionType, WHY);
  const { row: old } = await (await fresh("idle")).register("1.0.0");
  await site.changes.changeWorkflow("disable", old.workflow_id, WHY);
  const before = await site.counts();
  const left = [
    await register("1.0.0"),
    await site.changes.registerActionType(actionTypeContent(actionType), REGISTER),
    await site.changes.updateActionType(actionType, actionTypeContent(actionType).description, BY),
    await site.changes.disableActionType(unused.actionType, WHY),
    await site.changes.changeWorkflow("enable", row.workflow_id, WHY),
    await site.changes.changeWorkflow("disable", old.workflow_id, WHY),
  ];
  assert.deepEqual(
    left.map(({ correlationId }) => correlationId),
    left.map(() => ""),
  );
  assert.deepEqual(left[0], { result: "unchanged", row, supersededVersion: "", correlationId: "" });
  assert.deepEqual(await site.counts(), before);
});

test("a trial run tells what would happen, by the same rules, and writes nothing", async () => {
  const { register, name, content } = await fresh("trial");
  await register("2.0.0");
  const before = await site.counts();
  const trial = await register("3.0.0", { validateOnly: true });
  assert.deepEqual([trial.result, trial.supersededVersion, trial.correlationId], ["superseded_previous", "2.0.0", ""]);
  assert.deepEqual([trial.row.version, trial.row.status, trial.row.revision], ["3.0.0", "active", ""]);
  assert.equal((await outcomeOf(register("1.0.0", { validateOnly: true }))).reason, "VERSION_LOWER");
  const changed = site.changes.registerWorkflow(content("2.0.0", "other"), { ...WORKFLOW, validateOnly: true });
  assert.equal((await outcomeOf(changed)).reason, "VERSION_CONTENT_CHANGED");
  const kind = { ...REGISTER, validateOnly: true };
  assert.equal((await site.changes.registerActionType(actionTypeContent("Trial"), kind)).result, "created");
  const other = actionTypeContent(`Type${name}`, "other");
  assert.equal((await site.changes.registerActionType(other, kind)).result, "updated");
  assert.deepEqual(await site.counts(), before);
});

test("a change that was built on another state is refused, and one that was built on this is made", async () => {
  const { register, actionType, content } = await fresh("etag");
  const { row } = await register("1.0.0");
  const kind = (await site.actionType(actionType))?.revision ?? "";
  const { description } = actionTypeContent(actionType, "other");
  const before = await site.counts();
  const acts = (etag: string, kindTag = etag) =>
    [
      () => register("2.0.0", { etag }),
      () => site.changes.changeWorkflow("disable", row.workflow_id, { ...WHY, etag }),
      () => site.changes.registerActionType({ actionType, description }, { ...REGISTER, etag: kindTag }),
      () => site.changes.updateActionType(actionType, description, { ...BY, etag: kindTag }),
      () => site.changes.disableActionType(actionType, { ...WHY, etag: kindTag }),
    ] as const;
  for (const act of acts("999999")) {
    const { reason, fault } = await outcomeOf(act() as Promise<unknown>);
    assert.deepEqual([reason, fault?.kind], ["ETAG_MISMATCH", "aborted"]);
  }
  const nowhere = { ...content("1.0.0"), workflowName: "none" };
  const workflow = site.changes.registerWorkflow(nowhere, { ...WORKFLOW, etag: row.revision });
  assert.equal((await outcomeOf(workflow)).reason, "ETAG_MISMATCH");
  const unheardOf = site.changes.registerActionType(actionTypeContent("NoneYet"), { ...REGISTER, etag: kind });
  assert.equal((await outcomeOf(unheardOf)).reason, "ETAG_MISMATCH");
  assert.deepEqual(await site.counts(), before);

  const [registerNext, , , update] = acts(row.revision, kind);
  const next = await registerNext();
  assert.notEqual(next.row.revision, row.revision);
  const stale = site.changes.changeWorkflow("archive", next.row.workflow_id, { ...WHY, etag: row.revision });
  assert.equal((await outcomeOf(stale)).reason, "ETAG_MISMATCH");
  await site.changes.changeWorkflow("disable", next.row.workflow_id, { ...WHY, etag: next.row.revision });
  assert.equal((await update()).result, "updated");
  assert.equal((await outcomeOf(update())).reason, "ETAG_MISMATCH");
});

test("with no version active the etag is that of the latest", async () => {
  const { register } = await fresh("idleetag");
  const { row } = await register("1.0.0");
  const disabled = await site.changes.changeWorkflow("disable", row.workflow_id, WHY);
  assert.equal((await outcomeOf(register("2.0.0", { etag: row.revision }))).reason, "ETAG_MISMATCH");
  assert.equal((await register("2.0.0", { etag: disabled.row.revision })).result, "created");
});

test("what does not exist is not found", async () => {
  const { changes } = site;
  const id = "00000000-0000-5000-8000-000000000000";
  const description = { what: "a", whenToUse: "b" };
  for (const [act, reason, name] of [
    [() => changes.changeWorkflow("disable", id, WHY), "WORKFLOW_NOT_FOUND", id],
    [() => changes.disableActionType("Nobody", WHY), "ACTION_TYPE_NOT_FOUND", "Nobody"],
    [() => changes.updateActionType("Nobody", description, BY), "ACTION_TYPE_NOT_FOUND", "Nobody"],
  ] as const) {
    const { reason: told, fault } = await outcomeOf<unknown>(act());
    assert.deepEqual([told, fault?.kind, fault?.details.resource?.name], [reason, "not_found", name]);
  }
});

test("that disabling was denied is recorded, with how many and which, and changes nothing", async () => {
  const { actionType, register } = await fresh("denied");
  await register("1.0.0");
  for (const other of ["denied-b", "denied-a"]) {
    await site.changes.registerWorkflow(workflowContent({ name: other, actionType }), WORKFLOW);
  }
  const kept = await site.actionType(actionType);
  const { reason, fault } = await outcomeOf(site.changes.disableActionType(actionType, WHY));
  assert.equal(reason, "ACTION_TYPE_IN_USE");
  assert.match(fault?.message ?? "", /3 active workflows use it \(denied, denied-a, denied-b\)/);
  assert.deepEqual(await site.actionType(actionType), kept);
  const events = await site.admin<{ event_data: unknown; event_outcome: string; actor_id: string }[]>`
    SELECT event_data, event_outcome, actor_id FROM audit_events
    WHERE event_type = 'datastorage.actiontype.disable_denied' AND resource_id = ${actionType}`;
  assert.deepEqual(
    events.map((row) => ({ ...row })),
    [
      {
        event_outcome: "failure",
        actor_id: "bob",
        event_data: {
          action_type: actionType,
          reason: "it misbehaves",
          active_workflow_count: 3,
          workflows: ["denied", "denied-a", "denied-b"],
        },
      },
    ],
  );
});

test("a reason is kept as it is, whatever it holds", async () => {
  // The first three separate the fields of an append's text.
  const { register } = await fresh("separators");
  const { row } = await register("1.0.0");
  const reason = "a\x1db\x1ec\x1fd \"'\\ 😀";
  const changed = await site.changes.changeWorkflow("disable", row.workflow_id, { ...WHY, reason });
  assert.equal((await site.events(changed.correlationId))[0]?.event_data["reason"], reason);
});

test("every event that a change told of is stored, and all chains hold", async () => {
  const { admin, recorded } = site;
  const [stored] = await admin<{ count: number }[]>`SELECT count(*)::int FROM audit_events`;
  assert.equal(recorded.length, stored?.count);
  assert.deepEqual(await site.faults(), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "../../fault.ts";
import type { ActionTypeRow } from "../rows.ts";
import { decideActionType, decideDescription, decideDisabling } from "./action_type_rules.ts";

const NOW = { by: "bob", at: "2026-02-02 00:00:00+00" };
const DESCRIPTION = { what: "restarts", whenToUse: "when it hangs" };
const OTHER = { what: "restarts", whenToUse: "always" };
const ACTIVE: ActionTypeRow = {
  action_type: "Restart",
  description: DESCRIPTION,
  status: "active",
  disabled_at: null,
  disabled_by: null,
  created_at: "2026-01-01 00:00:00+00",
  updated_at: "2026-01-01 00:00:00+00",
  revision: "7",
};
const DISABLED: ActionTypeRow = {
  ...ACTIVE,
  status: "disabled",
  disabled_at: "2026-01-02 00:00:00+00",
  disabled_by: "alice",
};
const register = (description: typeof DESCRIPTION, before?: ActionTypeRow) =>
  decideActionType({ actionType: "Restart", description }, before, NOW);

test("a new action type is created", () => {
  const { result, row, writes } = register(DESCRIPTION);
  assert.equal(result, "created");
  assert.deepEqual(row, { ...ACTIVE, created_at: NOW.at, updated_at: NOW.at, revision: "" });
  assert.deepEqual(writes, [{ table: "action_type", before: undefined, after: row }]);
});

test("an active one is left alone with the same description, and updated with another", () => {
  assert.deepEqual(register(DESCRIPTION, ACTIVE), {
    result: "unchanged",
    writes: [],
    row: ACTIVE,
    supersededVersion: "",
  });
  const { result, row } = register(OTHER, ACTIVE);
  assert.deepEqual([result, row], ["updated", { ...ACTIVE, description: OTHER, updated_at: NOW.at, revision: "" }]);
});

test("neither the order of a description's parts nor an empty one makes another", () => {
  const said = { whenToUse: "when it hangs", preconditions: "", whenNotToUse: undefined, what: "restarts" };
  assert.equal(register(said, ACTIVE).result, "unchanged");
  assert.deepEqual(register(said).row.description, DESCRIPTION);
});

test("a disabled one is active again, with the description given, and was created when it was", () => {
  for (const description of [DESCRIPTION, OTHER]) {
    const { result, row, writes } = register(description, DISABLED);
    assert.deepEqual([result, row], ["reenabled", { ...ACTIVE, description, updated_at: NOW.at, revision: "" }]);
    assert.equal(writes[0]?.before, DISABLED);
  }
});

test("a description is replaced only while the action type is active", () => {
  assert.equal(decideDescription(OTHER, ACTIVE, NOW).result, "updated");
  assert.throws(
    () => decideDescription(OTHER, DISABLED, NOW),
    (error: Fault) => error.details.reason === "ACTION_TYPE_DISABLED",
  );
});

test("an action type that nothing uses is disabled, one that is disabled already stays as it is", () => {
  const unused = { count: 0, names: [] };
  assert.deepEqual(decideDisabling(DISABLED, unused, NOW), { writes: [], row: DISABLED });
  const decision = decideDisabling(ACTIVE, unused, NOW);
  assert.ok("writes" in decision);
  assert.deepEqual(decision.row, {
    ...ACTIVE,
    status: "disabled",
    disabled_at: NOW.at,
    disabled_by: "bob",
    updated_at: NOW.at,
    revision: "",
  });
});

test("disabling is denied while workflows use it: the message says how many, and names the first", () => {
  const denied = (count: number) => {
    const names = Array.from({ length: Math.min(count, 100) }, (_, index) => `w${index}`);
    const decision = decideDisabling(ACTIVE, { count, names }, NOW);
    assert.ok("denied" in decision);
    return decision.denied;
  };
  assert.equal(
    denied(1).message,
    "action type Restart cannot be disabled: 1 active workflow uses it (w0). Disable, deprecate or archive them before",
  );
  assert.match(denied(5).message, /: 5 active workflows use it \(w0, w1, w2, w3, w4\)\./);
  const { message, details } = denied(250);
  assert.match(message, /: 250 active workflows use it \(w0, w1, w2, w3, w4 and 245 more\)\./);
  assert.deepEqual(details.metadata, {
    action_type: "Restart",
    active_workflow_count: "250",
    workflows: "w0,w1,w2,w3,w4",
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { workflowContent } from "../../../test/catalog/contents.ts";
import type { Fault } from "../../fault.ts";
import type { WorkflowRow, WorkflowState } from "../rows.ts";
import { decideTransition, type LifecycleAct } from "./lifecycle.ts";
import { decideRegistration } from "./registration.ts";

const THEN = { by: "alice", at: "2026-01-01 00:00:00+00" };
const NOW = { by: "bob", at: "2026-02-02 00:00:00+00" };

function row(status: WorkflowState, version = "1.0.0", isLatest = status !== "superseded"): WorkflowRow {
  const content = workflowContent({ name: "shop", version, actionType: "Restart" });
  const known = { latest: undefined, same: undefined, actionType: "active" } as const;
  const made = decideRegistration(content, known, false, THEN).row;
  return { ...made, status, is_latest_version: isLatest, revision: "7", status_reason: "as before" };
}

/** What becomes of a version in each state: `-` nothing, `!` refused. */
const TABLE: Readonly<Record<LifecycleAct, Readonly<Record<WorkflowState, WorkflowState | "-" | "!">>>> = {
  disable: { active: "disabled", disabled: "-", deprecated: "!", archived: "!", superseded: "!" },
  enable: { active: "-", disabled: "active", deprecated: "!", archived: "!", superseded: "!" },
  deprecate: { active: "deprecated", disabled: "!", deprecated: "-", archived: "!", superseded: "!" },
  archive: { active: "archived", disabled: "archived", deprecated: "archived", archived: "-", superseded: "!" },
};

for (const [act, outcomes] of Object.entries(TABLE) as [LifecycleAct, (typeof TABLE)[LifecycleAct]][]) {
  for (const [status, wanted] of Object.entries(outcomes) as [WorkflowState, string][]) {
    test(`${act} a version that is ${status}: ${wanted}`, () => {
      const before = row(status);
      const latest = before.is_latest_version ? before : undefined;
      const decide = () => decideTransition(act, { row: before, latest, actionType: "active" }, "why", NOW);
      if (wanted === "!") {
        assert.throws(decide, (error: Fault) => error.details.reason === "TRANSITION_NOT_ALLOWED");
        return;
      }
      const { writes, row: after } = decide();
      if (wanted === "-") {
        assert.deepEqual([writes, after], [[], before]);
        return;
      }
      assert.deepEqual(after, {
        ...before,
        status: wanted,
        status_reason: "why",
        updated_at: NOW.at,
        updated_by: "bob",
        revision: "",
      });
      assert.deepEqual(writes, [{ table: "workflow", before, after }]);
    });
  }
}

test("enabling takes the place of the latest, which is out of use and stays as it is otherwise", () => {
  const [old, latest] = [row("disabled", "1.0.0", false), row("archived", "2.0.0")];
  const { writes } = decideTransition("enable", { row: old, latest, actionType: "active" }, "why", NOW);
  assert.deepEqual(
    writes.map(({ before, after }) => [before, after]),
    [
      [latest, { ...latest, is_latest_version: false, revision: "" }],
      [
        old,
        {
          ...old,
          status: "active",
          is_latest_version: true,
          status_reason: "why",
          updated_at: NOW.at,
          updated_by: "bob",
          revision: "",
        },
      ],
    ],
  );
});

test("a version that is not the latest is archived without being the latest", () => {
  const [old, latest] = [row("disabled", "1.0.0", false), row("active", "2.0.0")];
  const { writes } = decideTransition("archive", { row: old, latest, actionType: "active" }, "why", NOW);
  assert.deepEqual(
    writes.map(({ after }) => (after as WorkflowRow).is_latest_version),
    [false],
  );
});

test("enabling is refused while another version is active, or under a disabled action type", () => {
  const old = row("disabled", "1.0.0", false);
  const reasonOf = (latest: WorkflowRow | undefined, actionType: "active" | "disabled") => {
    try {
      decideTransition("enable", { row: old, latest, actionType }, "why", NOW);
    } catch (error) {
      return (error as Fault).details.reason;
    }
    return "none";
  };
  assert.equal(reasonOf(row("active", "2.0.0"), "active"), "ANOTHER_VERSION_ACTIVE");
  assert.equal(reasonOf(row("disabled", "2.0.0"), "disabled"), "ACTION_TYPE_DISABLED");
  assert.equal(reasonOf(undefined, "disabled"), "ACTION_TYPE_DISABLED");
});

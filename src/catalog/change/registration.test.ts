import assert from "node:assert/strict";
import { test } from "node:test";
import { workflowContent } from "../../../test/catalog/contents.ts";
import type { Fault } from "../../fault.ts";
import type { ActionTypeState, WorkflowRow, WorkflowState } from "../rows.ts";
import type { Stamp } from "./decision.ts";
import { decideRegistration } from "./registration.ts";

const THEN: Stamp = { by: "alice", at: "2026-01-01 00:00:00+00" };
const NOW: Stamp = { by: "bob", at: "2026-02-02 00:00:00+00" };

interface Kept {
  readonly version: string;
  readonly status: WorkflowState;
  readonly what?: string;
  readonly actionType?: string;
  readonly latest?: boolean;
}

/** A row as a registration left it, in a state. */
function row({ version, status, what, actionType = "Restart", latest = status !== "superseded" }: Kept): WorkflowRow {
  const content = workflowContent({ name: "shop", version, actionType, ...(what !== undefined && { what }) });
  const known = { latest: undefined, same: undefined, actionType: "active" } as const;
  const made = decideRegistration(content, known, false, THEN).row;
  return { ...made, status, is_latest_version: latest, revision: "7", status_reason: "as before" };
}

interface Case {
  readonly title: string;
  readonly latest?: Kept;
  readonly same?: Kept | "latest";
  readonly actionType?: ActionTypeState | "unknown";
  readonly incoming?: { version?: string; what?: string; actionType?: string; allowDowngrade?: boolean };
  /** The reason of a refusal; or the result with the versions that are written and what they become. */
  readonly wanted: string | readonly [result: string, ...writes: string[]];
}

const ACTIVE: Kept = { version: "2.0.0", status: "active" };

const CASES: readonly Case[] = [
  { title: "nothing is there", wanted: ["created", "2.0.0 active latest"] },
  { title: "the same is active", latest: ACTIVE, same: "latest", wanted: ["unchanged"] },
  {
    title: "the same version is active with other content",
    latest: ACTIVE,
    same: "latest",
    incoming: { what: "other" },
    wanted: "VERSION_CONTENT_CHANGED",
  },
  {
    title: "the same version is active with other content, downgrade allowed",
    latest: ACTIVE,
    same: "latest",
    incoming: { what: "other", allowDowngrade: true },
    wanted: "VERSION_CONTENT_CHANGED",
  },
  {
    title: "the same version is disabled, and the latest",
    latest: { ...ACTIVE, status: "disabled" },
    same: "latest",
    wanted: ["reenabled", "2.0.0 active latest"],
  },
  {
    title: "the same version is disabled, and another disabled one is the latest",
    latest: { version: "3.0.0", status: "disabled" },
    same: { ...ACTIVE, status: "disabled", latest: false },
    wanted: ["reenabled", "3.0.0 disabled", "2.0.0 active latest"],
  },
  {
    title: "the same version is disabled with other content",
    latest: { ...ACTIVE, status: "disabled" },
    same: "latest",
    incoming: { what: "other" },
    wanted: "VERSION_CONTENT_CHANGED",
  },
  {
    title: "the same version is disabled, a lower one active",
    latest: { version: "1.0.0", status: "active" },
    same: { ...ACTIVE, status: "disabled", latest: false },
    wanted: ["superseded_previous", "1.0.0 superseded", "2.0.0 active latest"],
  },
  {
    title: "the same version is disabled, a higher one active",
    latest: { version: "3.0.0", status: "active" },
    same: { ...ACTIVE, status: "disabled", latest: false },
    wanted: "VERSION_LOWER",
  },
  {
    title: "the same version is disabled, a higher one active, downgrade allowed",
    latest: { version: "3.0.0", status: "active" },
    same: { ...ACTIVE, status: "disabled", latest: false },
    incoming: { allowDowngrade: true },
    wanted: ["superseded_previous", "3.0.0 superseded", "2.0.0 active latest"],
  },
  ...(["deprecated", "archived"] as const).flatMap((status): Case[] => [
    { title: `the same version is ${status}`, latest: { ...ACTIVE, status }, same: "latest", wanted: "VERSION_SPENT" },
    {
      title: `the same version is ${status}, with other content and downgrade allowed`,
      latest: { version: "3.0.0", status: "active" },
      same: { ...ACTIVE, status, latest: false },
      incoming: { what: "other", allowDowngrade: true },
      wanted: "VERSION_SPENT",
    },
    {
      title: `another version is the latest and ${status}`,
      latest: { version: "9.0.0", status },
      wanted: ["created", `9.0.0 ${status}`, "2.0.0 active latest"],
    },
  ]),
  {
    title: "the same version is superseded",
    latest: { version: "3.0.0", status: "active" },
    same: { ...ACTIVE, status: "superseded" },
    wanted: "VERSION_SUPERSEDED",
  },
  {
    title: "the same version is superseded by a lower one",
    latest: { version: "1.0.0", status: "active" },
    same: { ...ACTIVE, status: "superseded" },
    wanted: "VERSION_SUPERSEDED",
  },
  {
    title: "the same version is superseded, with other content",
    latest: { version: "3.0.0", status: "active" },
    same: { ...ACTIVE, status: "superseded" },
    incoming: { what: "other", allowDowngrade: true },
    wanted: "VERSION_CONTENT_CHANGED",
  },
  {
    title: "the same version is superseded, downgrade allowed",
    latest: { version: "3.0.0", status: "active" },
    same: { ...ACTIVE, status: "superseded" },
    incoming: { allowDowngrade: true },
    wanted: ["superseded_previous", "3.0.0 superseded", "2.0.0 active latest"],
  },
  {
    title: "the same version is superseded by one that is disabled now, downgrade allowed",
    latest: { version: "3.0.0", status: "disabled" },
    same: { ...ACTIVE, status: "superseded" },
    incoming: { allowDowngrade: true },
    wanted: ["reenabled", "3.0.0 disabled", "2.0.0 active latest"],
  },
  {
    title: "another action type is active under the name",
    latest: { version: "1.0.0", status: "active", actionType: "Scale" },
    incoming: { allowDowngrade: true },
    wanted: "ACTION_TYPE_DIFFERS",
  },
  {
    title: "the same version is active with another action type",
    latest: { ...ACTIVE, actionType: "Scale" },
    same: "latest",
    wanted: "ACTION_TYPE_DIFFERS",
  },
  {
    title: "another action type is disabled under the name",
    latest: { version: "1.0.0", status: "disabled", actionType: "Scale" },
    wanted: ["created", "1.0.0 disabled", "2.0.0 active latest"],
  },
  {
    title: "a lower version is active",
    latest: { version: "1.9.9", status: "active" },
    wanted: ["superseded_previous", "1.9.9 superseded", "2.0.0 active latest"],
  },
  { title: "a higher version is active", latest: { version: "10.0.0", status: "active" }, wanted: "VERSION_LOWER" },
  {
    title: "a higher version is active, downgrade allowed",
    latest: { version: "10.0.0", status: "active" },
    incoming: { allowDowngrade: true },
    wanted: ["superseded_previous", "10.0.0 superseded", "2.0.0 active latest"],
  },
  {
    title: "a prerelease comes before its release",
    latest: ACTIVE,
    incoming: { version: "2.0.0-rc.1" },
    wanted: "VERSION_LOWER",
  },
  {
    title: "build metadata does not make a version lower",
    latest: { version: "2.0.0+build.9", status: "active" },
    incoming: { version: "2.0.0+build.1" },
    wanted: ["superseded_previous", "2.0.0+build.9 superseded", "2.0.0+build.1 active latest"],
  },
  {
    title: "a higher version is disabled",
    latest: { version: "10.0.0", status: "disabled" },
    wanted: ["created", "10.0.0 disabled", "2.0.0 active latest"],
  },
  { title: "the action type is unknown", actionType: "unknown", wanted: "ACTION_TYPE_UNKNOWN" },
  { title: "the action type is disabled", actionType: "disabled", wanted: "ACTION_TYPE_DISABLED" },
  {
    title: "the action type is disabled, and so is the same version",
    actionType: "disabled",
    latest: { ...ACTIVE, status: "disabled" },
    same: "latest",
    wanted: "ACTION_TYPE_DISABLED",
  },
];

function decide({ latest, same, actionType = "active", incoming = {} }: Case) {
  const { allowDowngrade = false, ...wanted } = incoming;
  const content = workflowContent({ name: "shop", version: "2.0.0", actionType: "Restart", ...wanted });
  const latestRow = latest && row(latest);
  const known = {
    latest: latestRow,
    same: same === "latest" ? latestRow : same && row(same),
    actionType: actionType === "unknown" ? undefined : actionType,
  };
  return decideRegistration(content, known, allowDowngrade, NOW);
}

for (const one of CASES) {
  const { title, wanted } = one;
  test(`registration: ${title} → ${typeof wanted === "string" ? wanted : wanted.join(", ")}`, () => {
    if (typeof wanted === "string") {
      assert.throws(
        () => decide(one),
        (error: Fault) => error.kind === "precondition" && error.details.reason === wanted,
      );
      return;
    }
    const { result, writes, supersededVersion } = decide(one);
    const made = writes.map(({ after }) => {
      const { version, status, is_latest_version } = after as WorkflowRow;
      return `${version} ${status}${is_latest_version ? " latest" : ""}`;
    });
    assert.deepEqual([result, ...made], wanted);
    assert.equal(supersededVersion, result === "superseded_previous" ? one.latest?.version : "");
  });
}

test("a registration says who made it, when and why, and leaves the rest of a row as it was", () => {
  const latest = row({ version: "1.0.0", status: "active" });
  const content = workflowContent({ name: "shop", version: "2.0.0", actionType: "Restart" });
  const { writes } = decideRegistration(content, { latest, same: undefined, actionType: "active" }, false, NOW);
  assert.deepEqual(writes[0]?.after, {
    ...latest,
    status: "superseded",
    is_latest_version: false,
    status_reason: "superseded by version 2.0.0",
    updated_at: NOW.at,
    updated_by: "bob",
    revision: "",
  });
  const made = writes[1]?.after as WorkflowRow;
  assert.deepEqual(
    [made.created_by, made.created_at, made.updated_by, made.status_reason],
    ["bob", NOW.at, "bob", null],
  );
});

test("a row that is not the latest any more says still who took it out of use, and why", () => {
  const latest = row({ version: "1.0.0", status: "disabled" });
  const content = workflowContent({ name: "shop", version: "2.0.0", actionType: "Restart" });
  const { writes } = decideRegistration(content, { latest, same: undefined, actionType: "active" }, false, NOW);
  assert.deepEqual(writes[0]?.after, { ...latest, is_latest_version: false, revision: "" });
});

test("a refusal names the workflow, the versions, and what to do", () => {
  const message = (one: Partial<Case>) => {
    try {
      decide(one as Case);
    } catch (error) {
      return (error as Fault).message;
    }
    throw new Error("not refused");
  };
  assert.equal(
    message({ latest: { version: "10.0.0", status: "active" } }),
    "version 2.0.0 of workflow shop is lower than the active version 10.0.0: register a higher one, or this one with allow_downgrade",
  );
  assert.equal(
    message({ latest: { version: "3.0.0", status: "active" }, same: { ...ACTIVE, status: "superseded" } }),
    "version 2.0.0 of workflow shop was superseded (active now: 3.0.0): it comes back with allow_downgrade alone",
  );
  assert.equal(
    message({ latest: { ...ACTIVE, status: "archived" }, same: "latest" }),
    "version 2.0.0 of workflow shop is archived and never comes back: register another version",
  );
});

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { palette } from "../colour.ts";
import { width } from "../text.ts";
import { courseOf } from "./course.ts";
import { courseJson } from "./course_json.ts";
import { renderCourse } from "./render.ts";
import { madeStep, SAMPLE, stepsOf } from "./sample.ts";
import type { Step } from "./step.ts";

const sample = stepsOf(SAMPLE);

function render(steps: readonly Step[], columns: number, coloured = false): string {
  return renderCourse(courseOf("rr-1", steps, { expand: false }), { columns, colours: palette(coloured) });
}

test("the sample in a wide terminal", () => {
  const text = render(sample, 140);
  for (const expected of [
    "rr-1  Remediated\n",
    "Signal    ContainerOOMKilled, alert, critical, seen 6 times\n",
    "Target    shop/Deployment/checkout in cluster nordlicht-prod-1\n",
    "End       2026-09-14 08:09:09.422 UTC, 26m58s\n",
    "Events    90, 4 failures\n",
    "\n  AwaitingApproval     +37.9s    6m34s  ",
    "\n      aianalysis: Pending → Investigating 37.0s → Analyzing → Completed\n",
    "\n── Blocked ───",
    "llm.tool_call ×4",
    "kubectl_describe, kubectl_logs,",
  ]) {
    assert.ok(text.includes(expected), `${JSON.stringify(expected)} is missing in\n${text}`);
  }
  assert.match(
    text,
    /\+7m12s ✓ webhook +remediationapprovalrequest\.decided +ines\.holm@nordlicht\.example: Approved: Fine/,
  );
  assert.match(
    text,
    /\+7m27s ✗ workflowexecution +workflow\.failed +13\.2s {2}ERR_PIPELINE_FAILED: Task roll-deployment/,
  );
  assert.match(
    text,
    /\nWhat failed\n +\+31\.2s ✗ aiagent\.workflow\.validation_attempt {2}[0-9a-f-]{36}\n +ERR_PARAMETER_MISSING/,
  );
});

test("no line is wider than the terminal, however narrow it is", () => {
  for (const columns of [50, 60, 71, 72, 80, 111, 112, 130, 200]) {
    for (const line of render(sample, columns).split("\n")) assert.ok(width(line) <= columns, `${columns}: ${line}`);
  }
});

test("in a narrow terminal types stand whole and people in front of what they said", () => {
  const text = render(sample, 64);
  assert.match(
    text,
    /\n +\+0ms ✓ gateway\.signal\.received +18ms\n +ContainerOOMKilled on shop\/Deployment\/checkout\n/,
  );
  assert.match(text, /\n +ines\.holm@nordlicht\.example: Approved: Fine/);
});

test("colours change nothing but colours", () => {
  assert.equal(stripVTControlCharacters(render(sample, 120, true)), render(sample, 120));
  assert.notEqual(render(sample, 120, true), render(sample, 120));
});

test("what events say cannot reach the terminal as control codes", () => {
  const evil = "\u001b[2J\u001b]0;owned\u0007\r\n";
  const steps = [
    madeStep(`x.${evil}`, 1, { actorId: evil, actorType: "user", data: { reason: evil } }),
    madeStep("x.failed", 2, {
      eventOutcome: EventOutcome.FAILURE,
      errorCode: evil,
      errorMessage: evil,
      clusterName: evil,
    }),
    madeStep("orchestrator.lifecycle.transitioned", 3, { data: { from_phase: evil, to_phase: evil } }),
    madeStep("signalprocessing.phase.transition", 3, { data: { from_phase: evil, to_phase: evil } }),
    madeStep("orchestrator.lifecycle.completed", 4, { data: { crd_outcome: evil } }),
    madeStep("gateway.signal.received", 4, { data: { signal_name: evil, resource_kind: evil, resource_name: evil } }),
    madeStep("aiagent.llm.tool_call", 4, { data: { tool_name: evil } }),
  ];
  for (const columns of [50, 80, 140]) {
    const controls = [...render(steps, columns)].filter((character) => /\p{Cc}/u.test(character) && character !== "\n");
    assert.deepEqual(controls, []);
  }
});

test("a single event makes a timeline", () => {
  const text = render([madeStep("custom.thing.happened", 1, { data: { message: "so it goes" } })], 120);
  assert.match(text, /^rr-1 {2}course unknown\n/);
  assert.match(text, /── Steps ─+\n +\+0ms ✓ custom thing\.happened +so it goes\n/);
});

test("as JSON: the structure, with times to the microsecond", () => {
  const json = JSON.parse(JSON.stringify(courseJson(courseOf("rr-1", sample, { expand: false }))));
  assert.equal(json.outcome, "Remediated");
  assert.equal(json.started_at, "2026-09-14T07:42:11.304518Z");
  assert.deepEqual(json.phases[2].inner[0].phases[0].to, "Investigating");
  assert.equal(
    json.steps.reduce((sum: number, step: { count: number }) => sum + step.count, 0),
    90,
  );
  assert.equal(json.ai.tool_calls.kubectl_logs, 1);
  assert.equal(json.people[1].decision, "Approved");
});

const recordings = join(process.env["DATASTORAGE_TEST_DATA"] ?? "", "traces");
const recorded = process.env["DATASTORAGE_TEST_DATA"] !== undefined && existsSync(recordings);

test("recorded remediations", { skip: !recorded && "DATASTORAGE_TEST_DATA is not set" }, async (t) => {
  for (const name of readdirSync(recordings)) {
    await t.test(name, () => {
      const steps = stepsOf(pathToFileURL(join(recordings, name)) as URL);
      const { phases, outcome } = courseOf("rr-1", steps, { expand: false });
      assert.deepEqual(
        phases.slice(0, 4).map(({ phase }) => phase?.name),
        ["Pending", "Processing", "Analyzing", "Executing"],
      );
      assert.ok(outcome === "Remediated" || outcome === "Failed");
      for (const line of render(steps, 80).split("\n")) assert.ok(width(line) <= 80, line);
    });
  }
});

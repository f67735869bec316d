import assert from "node:assert/strict";
import { test } from "node:test";
import { durationText } from "../../cli/duration_text.ts";
import { type Course, courseOf } from "./course.ts";
import { madeStep, SAMPLE, stepsOf } from "./sample.ts";

const sample = stepsOf(SAMPLE);
const course = (steps = sample, expand = false) => courseOf("rr-1", steps, { expand });
const phaseNames = ({ phases }: Course) => phases.map(({ phase }) => phase?.name);
const move = (from: string, to: string, seconds: number, position: number) =>
  madeStep("orchestrator.lifecycle.transitioned", seconds, { position, data: { from_phase: from, to_phase: to } });

test("the sample's course: its phases with what they took, how it ended, who took part", () => {
  const { phases, facts, outcome, failed, decisions, steps, startedAt, endedAt } = course();
  const told = phases.map(({ phase }) => {
    const { name = "", startedAt: from = 0n, endedAt: to } = phase ?? {};
    return `${name} ${to === undefined ? "" : durationText(Number(to - from) / 1000)}`;
  });
  assert.deepEqual(told, [
    "Pending 141ms",
    "Processing 380ms",
    "Analyzing 37.4s",
    "AwaitingApproval 6m34s",
    "Executing 15.3s",
    "Blocked 5m57s",
    "Executing 3m34s",
    "Verifying 10m01s",
    "Completed ",
  ]);
  assert.equal(outcome, "Remediated");
  assert.equal(failed, false);
  assert.equal(facts.target, "shop/Deployment/checkout");
  assert.equal(facts.occurrences, 6);
  assert.equal(facts.workflow, "increase-memory-limits-v1 1.3.0");
  assert.deepEqual(
    decisions.map(({ decided: { what, by, byPerson } }) => `${what} ${by}${byPerson ? " in person" : ""}`),
    [
      "AlignmentJudged aiagent",
      "RequiresApproval approval policy",
      "TimeoutModified ines.holm@nordlicht.example in person",
      "Approved ines.holm@nordlicht.example in person",
      "WorkflowSelected sonnet-lake-4",
      "Blocked orchestrator",
      "BlockCleared tomas.reyes@nordlicht.example in person",
      "NotificationAcknowledged ines.holm@nordlicht.example in person",
    ],
  );
  assert.equal(steps.length, 90);
  assert.equal(durationText(Number(endedAt - startedAt) / 1000), "26m58s");
});

test("the order in which events come makes no difference", () => {
  const shown = ({ steps }: Course) => steps.map(({ eventId }) => eventId);
  assert.deepEqual(shown(course([...sample].reverse())), shown(course()));
});

test("phases within one second follow the graph, and events stand in the phase where they are at home", () => {
  const steps = [
    madeStep("aianalysis.aiagent.submit", 3, { position: 1 }),
    madeStep("gateway.signal.received", 3, { position: 2 }),
    move("Processing", "Analyzing", 3, 3),
    madeStep("signalprocessing.signal.processed", 3, { position: 4 }),
    move("Pending", "Processing", 3, 5),
    move("Analyzing", "Executing", 60, 6),
  ];
  const { phases } = course(steps);
  assert.deepEqual(
    phases.map(({ phase, bursts }) => [
      phase?.name,
      ...bursts.map((burst) => burst.steps[0].eventType.split(".").at(-1)),
    ]),
    [
      ["Pending", "received"],
      ["Processing", "transitioned", "processed"],
      ["Analyzing", "transitioned", "submit"],
      ["Executing", "transitioned"],
    ],
  );
});

test("phases of what works within a remediation are chained, and told where they began", () => {
  const inner = (from: string, to: string, position: number) =>
    madeStep("signalprocessing.phase.transition", 3, { position, data: { from_phase: from, to_phase: to } });
  const steps = [inner("Enriching", "Completed", 1), inner("", "Pending", 2), inner("Pending", "Enriching", 3)];
  const [only] = course(steps).phases;
  assert.equal(only?.phase, undefined);
  assert.deepEqual(
    only?.inner[0]?.moves.map(({ move: { to } }) => to),
    ["Pending", "Enriching", "Completed"],
  );
  assert.deepEqual(
    only?.bursts.map(({ detail }) => detail),
    ["Pending → Enriching → Completed"],
  );
});

test("a remediation that fails, and one that goes on", () => {
  const begun = [move("Pending", "Processing", 1, 1), move("Processing", "Analyzing", 2, 2)];
  const going = course(begun);
  assert.equal(going.outcome, undefined);
  assert.deepEqual(phaseNames(going), ["Pending", "Processing", "Analyzing"]);
  const failure = madeStep("orchestrator.lifecycle.completed", 9, {
    outcome: "failure",
    data: { outcome: "Failed", error_details: { code: "ERR_X", message: "no quota" } },
  });
  const failed = course([...begun, failure]);
  assert.equal(failed.failed, true);
  assert.deepEqual(phaseNames(failed), ["Pending", "Processing", "Analyzing", "Failed"]);
  assert.deepEqual(failed.failures[0]?.steps[0].failure, { code: "ERR_X", message: "no quota" });
});

test("bursts of one kind become one line with what they add up to, until something of note comes between", () => {
  const call = (seconds: number, tool: string) =>
    madeStep("aiagent.llm.tool_call", seconds, { data: { tool_name: tool, duration_ms: 10 } });
  const steps = [
    ...[1, 2, 3].map((seconds) => call(seconds, "kubectl_logs")),
    madeStep("aiagent.llm.request", 4),
    call(5, "kubectl_describe"),
    madeStep("aiagent.rca.complete", 6),
    call(7, "list_workflows"),
  ];
  const told = course(steps).phases[0]?.bursts.map(({ steps, detail, durationMs }) => [
    steps.length,
    detail,
    durationMs,
  ]);
  assert.deepEqual(told, [
    [4, "kubectl_logs ×3, kubectl_describe", 40],
    [1, "", undefined],
    [1, "", undefined],
    [1, "list_workflows", 10],
  ]);
  assert.equal(course(steps, true).phases[0]?.bursts.length, 7);
});

test("a failure does not hide in a burst of what went well", () => {
  const steps = [1, 2, 3, 4].map((seconds) =>
    madeStep("aiagent.llm.tool_call", seconds, seconds === 3 ? { outcome: "failure" } : {}),
  );
  const told = course(steps).phases[0]?.bursts.map(({ steps }) => `${steps[0].outcome} ${steps.length}`);
  assert.deepEqual(told, ["success 2", "failure 1", "success 1"]);
});

test("service accounts are no people", () => {
  const modified = (who: string) =>
    madeStep("webhook.remediationrequest.timeout_modified", 1, { data: { modified_by: who } });
  const told = (who: string) =>
    course([modified(who)]).decisions.map(({ decided: { by, byPerson } }) => [by, byPerson]);
  const account = "system:serviceaccount:kubernaut-system:controller";
  assert.deepEqual(told(account), [[account, false]]);
  assert.deepEqual(told("dana"), [["dana", true]]);
});

test("payloads of another shape than expected are no reason to fail", () => {
  const odd = [
    madeStep("gateway.signal.received", 1, { data: { signal_name: 7, original_payload: [] } }),
    madeStep("orchestrator.lifecycle.transitioned", 2, { data: { from_phase: null, to_phase: 3 } }),
    madeStep("aiagent.rca.complete", 3, { data: { response_data: "text" } }),
    madeStep("something.else", 4, { data: { reason: "why not" } }),
  ];
  const { phases, steps } = course(odd);
  assert.equal(steps.length, 4);
  assert.equal(phases[0]?.bursts.at(-1)?.detail, "why not");
});

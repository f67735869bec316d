import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type Timeline, TimelineSchema } from "../../../gen/ts/kubernaut/reconstruction/v1/timeline_pb.ts";
import { durationText } from "../../cli/duration_text.ts";
import type { JsonObject } from "../../integrity/canonical.ts";
import type { ParsedEvent } from "../trace.ts";
import { type TimelineEvent, toTimelineEvent } from "./event.ts";
import { eventsOf, madeEvent, SAMPLE } from "./sample.ts";
import { timelineOf } from "./timeline.ts";

const sample = eventsOf(SAMPLE);
const told = (events: readonly TimelineEvent[], expand = false) => timelineOf("rr-1", events, { expand });
const json = (timeline: Timeline) => toJson(TimelineSchema, timeline) as JsonObject;
const stepsOf = ({ phases }: Timeline) => phases.flatMap(({ steps }) => steps);
const counted = (timeline: Timeline) => stepsOf(timeline).reduce((sum, { count }) => sum + count, 0);

test("the sample: what it was about, and how it went", () => {
  const { phases, decisions, failures, gaps, aiWork, signals, ...head } = json(told(sample));
  assert.deepEqual(head, {
    correlationId: "rr-1",
    signalName: "ContainerOOMKilled",
    signalType: "alert",
    severity: "critical",
    target: "shop/Deployment/checkout",
    clusterName: "nordlicht-prod-1",
    rootCause:
      "Working set of Deployment checkout (about 640Mi under load) is over its memory limit of 512Mi since release 2026.9.1.",
    workflow: "increase-memory-limits-v1 1.3.0",
    confidence: 0.88,
    outcome: "Remediated",
    startTime: "2026-09-14T07:42:11.304518Z",
    endTime: "2026-09-14T08:09:09.422299Z",
    eventCount: 90,
    failureCount: 4,
  });
  assert.deepEqual(signals, {
    count: 6,
    firstTime: "2026-09-14T07:42:11.304518Z",
    lastTime: "2026-09-14T07:44:11.545110Z",
  });
  assert.deepEqual(
    [phases, decisions, failures, gaps].map((list) => (list as unknown[]).length),
    [9, 8, 4, 6],
  );
  assert.equal((aiWork as JsonObject)["tokens"], "52493");
});

test("a phase tells when it was entered and left, by which event, and what worked within it", () => {
  const phase = told(sample).phases[2];
  assert.ok(phase?.duration !== undefined);
  assert.equal(phase.name, "Analyzing");
  assert.equal(durationText(Number(phase.duration.seconds) * 1000 + phase.duration.nanos / 1e6), "37.4s");
  assert.equal(phase.eventId, "01a09edd-cf70-7e99-968e-84ac7c254a41");
  assert.deepEqual(
    phase.inner.map(({ machine, moves }) => `${machine} ${moves.map(({ to }) => to).join(" ")}`),
    ["aianalysis Investigating Analyzing Completed"],
  );
  assert.ok(phase.steps.length > 10);
});

test("decisions tell who and why", () => {
  const said = told(sample).decisions.map(({ decision, decidedBy, byPerson, reason }) =>
    [decision, byPerson ? "person" : "", decidedBy, reason].join("|"),
  );
  assert.deepEqual(said, [
    "AlignmentJudged||aiagent|clear, 0 of 13 flagged",
    "RequiresApproval||approval policy|P0 in production below confidence 0.90",
    "TimeoutModified|person|ines.holm@nordlicht.example|global 2h0m0s, processing 5m0s, analyzing 10m0s, executing 45m0s",
    "Approved|person|ines.holm@nordlicht.example|Fine for today; the cart cache gets a bound with the next release.",
    "WorkflowSelected||sonnet-lake-4|increase-memory-limits-v1 1.3.0: Raise the memory limit of checkout from 512Mi to 768Mi and roll the deployment.",
    "Blocked||orchestrator|PreviousExecutionFailed: the execution failed and changed nothing; waiting for somebody to clear the block",
    "BlockCleared|person|tomas.reyes@nordlicht.example|ResourceQuota shop-compute raised to 6Gi",
    "NotificationAcknowledged|person|ines.holm@nordlicht.example|Remediated: ContainerOOMKilled in shop",
  ]);
});

test("the orchestrator's and the policy's word count where no other tells of the decision", () => {
  const rejected = madeEvent("orchestrator.approval.rejected", 2, {
    data: { rar_name: "rar-1", decided_by: "dana", reason: "no" },
  });
  const evaluated = madeEvent("aianalysis.rego.evaluation", 1, { data: { outcome: "auto_approved", reason: "small" } });
  const cancelled = madeEvent("webhook.notification.cancelled", 3, { data: { cancelled_by: "ali", reason: "noise" } });
  const denied = madeEvent("remediationworkflow.admitted.denied", 4, {
    data: { workflow_name: "w-1", reason: "unsigned" },
  });
  const created = madeEvent("actiontype.denied.create", 5, {
    data: { action_type: "RestartPod", message: "not allowed" },
  });
  const said = told([evaluated, rejected, cancelled, denied, created]).decisions.map(
    ({ decision, decidedBy, byPerson, reason }) => `${decision} ${decidedBy} ${byPerson} ${reason}`,
  );
  assert.deepEqual(said, [
    "AutoApproved approval policy false small",
    "Rejected dana true no",
    "NotificationCancelled ali true noise",
    "WorkflowDenied remediationworkflow false w-1: unsigned",
    "ActionTypeDenied actiontype false create RestartPod: not allowed",
  ]);
});

test("what a service decides again in the same words is told once, what a person decides each time", () => {
  const modified = (by: string, seconds: number) =>
    madeEvent("webhook.remediationrequest.timeout_modified", seconds, { position: seconds, data: { modified_by: by } });
  const by = (...names: string[]) => told(names.map(modified)).decisions.map(({ decidedBy }) => decidedBy);
  assert.deepEqual(by("system:a", "system:a", "system:b", "system:a"), ["system:a", "system:b", "system:a"]);
  assert.deepEqual(by("dana", "dana"), ["dana", "dana"]);
});

test("a stretch without events is a gap where it is long for this remediation", () => {
  const at = (...seconds: number[]) => told(seconds.map((second) => madeEvent("x.y", second))).gaps.length;
  assert.equal(at(0, 1, 2, 32), 0, "half a minute is none");
  assert.equal(at(0, 1, 2, 33), 1);
  // The median distance is 10 s here.
  assert.equal(at(0, 10, 20, 30, 130), 0);
  assert.equal(at(0, 10, 20, 30, 131), 1);
  assert.equal(at(0), 0);
  assert.equal(at(0, 5000), 0, "with two events there is nothing to compare with");
  const completed = madeEvent("orchestrator.lifecycle.completed", 3, { data: { outcome: "Success" } });
  const late = madeEvent("x.y", 9000);
  assert.deepEqual(told([madeEvent("x.y", 1), madeEvent("x.y", 2), completed, late]).gaps, [], "none after the end");
});

test("a gap names the phase that it lies in", () => {
  const blocked = told(sample).gaps.map(({ phase, startTime, endTime }) => [
    phase,
    Number((endTime?.seconds ?? 0n) - (startTime?.seconds ?? 0n)),
  ]);
  assert.deepEqual(blocked[2], ["Blocked", 355]);
});

test("10,000 events: 2,000 steps, those of note among them, and the number of the others", () => {
  const many = Array.from({ length: 10_000 }, (_, index) =>
    madeEvent(`x.kind${index}`, index, { position: index, ...(index === 9999 && { outcome: "failure" }) }),
  );
  const selected = madeEvent("workflowexecution.selection.completed", 9999, { position: 10_000 });
  const dana = madeEvent("x.done", 9999, { position: 10_001, actorType: "user", actorId: "dana" });
  const timeline = told([...many, selected, dana], true);
  const steps = stepsOf(timeline);
  assert.equal(steps.length, 2000);
  assert.equal(timeline.stepsLeftOut, 8002);
  assert.equal(timeline.eventCount, 10_002);
  assert.deepEqual(
    steps.slice(-4).map(({ eventType }) => eventType),
    ["x.kind1996", "x.kind9999", "workflowexecution.selection.completed", "x.done"],
  );
  const alike = Array.from({ length: 10_000 }, (_, index) => madeEvent("x.y", index, { position: index }));
  assert.deepEqual([stepsOf(told(alike)).length, told(alike).stepsLeftOut], [1, 0]);
  const moves = Array.from({ length: 10_000 }, (_, index) =>
    madeEvent("orchestrator.lifecycle.transitioned", index, {
      position: index,
      data: { from_phase: `P${index % 7}`, to_phase: `P${(index * 3 + 1) % 7}` },
    }),
  );
  assert.ok(told(moves).phases.length <= 500);
});

test("texts of any length and numbers of any size are told within bounds", () => {
  const long = "x".repeat(250_000);
  const data = {
    signal_name: long,
    severity: long,
    resource_kind: long,
    resource_name: long,
    namespace: long,
    from_phase: long,
    to_phase: long,
    decision: long,
    decided_by: long,
    decision_message: long,
    model: long,
    tool_name: long,
    occurrence_count: 1e300,
    tokens_used: 1e300,
    duration_ms: 1e300,
    message: long,
    reason: long,
    errors: [long, long],
  };
  const types = [
    "gateway.signal.received",
    "orchestrator.lifecycle.transitioned",
    "webhook.remediationapprovalrequest.decided",
    "aiagent.llm.request",
    "aiagent.llm.response",
    "aiagent.llm.tool_call",
    "other.event",
  ];
  const events = types.map((type, index) => madeEvent(type, index, { position: index, data, outcome: "failure" }));
  const timeline = told(events);
  assert.ok(toBinary(TimelineSchema, timeline).byteLength < 40_000);
  assert.equal(timeline.signals?.count, 2 ** 31 - 1);
  assert.ok((timeline.phases[1]?.name.length ?? 0) <= 253);
});

test("a cut never halves a character", () => {
  const data = { from_phase: "Pending", to_phase: `x${"😀".repeat(300)}` };
  const { phases } = told([madeEvent("orchestrator.lifecycle.transitioned", 1, { data })]);
  assert.ok(phases[1]?.name.isWellFormed());
});

test("events of before 1970 and of the last year that is known", () => {
  const timeline = told([
    madeEvent("x.y", 1, { timestamp: "0001-01-01T00:00:00.000001Z" }),
    madeEvent("x.y", 2, { timestamp: "9999-12-31T23:59:59.999999Z" }),
  ]);
  assert.deepEqual(
    [json(timeline)["startTime"], json(timeline)["endTime"]],
    ["0001-01-01T00:00:00.000001Z", "9999-12-31T23:59:59.999999Z"],
  );
});

test("any part of a remediation, in any order, makes a timeline that tells each event once, the same each time", () => {
  const part = fc.subarray([...sample], { minLength: 1 });
  fc.assert(
    fc.property(part, fc.boolean(), fc.infiniteStream(fc.nat()), (events, expand, noise) => {
      const timeline = told(events, expand);
      const shuffled = events
        .map((event) => ({ event, key: noise.next().value }))
        .sort((a, b) => a.key - b.key)
        .map(({ event }) => event);
      assert.deepEqual(toBinary(TimelineSchema, told(shuffled, expand)), toBinary(TimelineSchema, timeline));
      assert.equal(counted(timeline), events.length);
      assert.equal(timeline.eventCount, events.length);
      for (const { startTime, endTime } of timeline.phases.slice(0, -1)) assert.ok(startTime && endTime);
    }),
    { numRuns: 60 },
  );
});

test("payloads of any shape never make it fail", () => {
  const names = [
    "from_phase",
    "to_phase",
    "outcome",
    "decision",
    "response_data",
    "error_details",
    "errors",
    "tool_name",
  ];
  const numbers = ["tokens_used", "occurrence_count", "duration_ms", "confidence", "flagged", "total_prompt_tokens"];
  const value = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<never>;
  const data = fc.dictionary(
    fc.constantFrom(...names, ...numbers, "__proto__", "toString"),
    fc.oneof(value, fc.double(), fc.string({ unit: "binary" })),
  );
  const event = fc.record({
    type: fc.constantFrom(...new Set(sample.map(({ type }) => type)), "a.b", "x"),
    data,
    outcome: fc.constantFrom("success", "failure", "pending", ""),
  });
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 12 }), (events) => {
      const made = events.map(({ type, data, outcome }, index) => ({
        ...madeEvent(type, index % 4, { position: index }),
        data: data as never,
        outcome,
      }));
      const timeline = told(made);
      toBinary(TimelineSchema, timeline);
      json(timeline);
    }),
    { numRuns: 200 },
  );
});

test("a number that no double holds says nothing", () => {
  const made = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((duration_ms, index) => ({
    ...madeEvent("aiagent.llm.response", index),
    data: { duration_ms, tokens_used: duration_ms },
  }));
  const timeline = told(made);
  assert.ok(stepsOf(timeline).every(({ duration }) => duration === undefined));
  assert.equal(timeline.aiWork?.tokens, 0n);
});

test("a parsed event is an event of a timeline", () => {
  const parsed: Omit<ParsedEvent, "payload"> = {
    eventId: "e",
    type: "a.b",
    timestamp: "2026-01-01T00:00:00.000000Z",
    position: 1,
    outcome: "success",
    actorType: "service",
    actorId: "a",
    data: {},
  };
  assert.equal(told([parsed]).eventCount, 1);
});

test("a stored event, as the reader gives it", () => {
  const row = {
    event_id: "e",
    event_type: "a.b",
    event_timestamp: "2026-01-01 00:00:00.000001+00",
    chain_position: "7",
    event_outcome: "failure",
    actor_type: "user",
    actor_id: "dana",
    cluster_name: null,
    duration_ms: "12",
    error_code: "ERR_X",
    error_message: null,
    event_data: "{}",
  };
  const [step] = stepsOf(told([toTimelineEvent(row as never)]));
  assert.deepEqual(
    [step?.actor, step?.byPerson, step?.summary, step?.chainPosition, step?.duration?.nanos],
    ["dana", true, "ERR_X", 7n, 12_000_000],
  );
});

const recordings = join(process.env["DATASTORAGE_TEST_DATA"] ?? "", "traces");
const recorded = process.env["DATASTORAGE_TEST_DATA"] !== undefined && existsSync(recordings);

test("recorded remediations", { skip: !recorded && "DATASTORAGE_TEST_DATA is not set" }, async (t) => {
  for (const name of readdirSync(recordings)) {
    await t.test(name, () => {
      const events = eventsOf(pathToFileURL(join(recordings, name)) as URL);
      const timeline = told(events);
      assert.deepEqual(
        timeline.phases.slice(0, 4).map(({ name }) => name),
        ["Pending", "Processing", "Analyzing", "Executing"],
      );
      assert.ok(timeline.outcome === "Remediated" || timeline.outcome === "Failed");
      assert.equal(counted(timeline), events.length);
      assert.ok(timeline.gaps.length > 0 && timeline.aiWork !== undefined && timeline.signals !== undefined);
      const selected = timeline.decisions.find(({ decision }) => decision === "WorkflowSelected");
      assert.deepEqual(timeline.aiWork?.models, [selected?.decidedBy]);
      // Acknowledgements of the platform itself are no decisions of anybody.
      assert.ok(timeline.decisions.every(({ byPerson }) => !byPerson));
    });
  }
});

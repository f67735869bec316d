import assert from "node:assert/strict";
import { test } from "node:test";
import { type MadeEvent, traceRows } from "../../../test/support/trace_rows.ts";
import { selectRequest } from "../map/request.ts";
import { parseTrace } from "../parse/parse.ts";
import { REMEDIATION_REQUEST } from "../remediation_request.ts";
import type { TraceRow } from "../trace.ts";
import { checkChain } from "./chain.ts";
import { completenessOf, schemaWarnings } from "./validate.ts";

const moved = (from_phase: string, to_phase: string): MadeEvent => ({
  event_type: "orchestrator.lifecycle.transitioned",
  event_data: { from_phase, to_phase },
});

function missing(...events: MadeEvent[]): string[] {
  const mapped = REMEDIATION_REQUEST.map(selectRequest(parseTrace("rr-made", traceRows(events))));
  return completenessOf(REMEDIATION_REQUEST, mapped).missing.map(({ path }) => path);
}

test("what is expected grows with the phase", () => {
  const executing = "status.workflowExecutionRef";
  assert.ok(!missing(moved("Pending", "Processing")).includes(executing));
  assert.ok(missing(moved("Analyzing", "Executing")).includes(executing));
  assert.ok(!missing(moved("Analyzing", "Executing")).includes("status.effectivenessAssessmentRef"));
  assert.ok(missing(moved("Executing", "Verifying")).includes("status.effectivenessAssessmentRef"));
  assert.ok(missing(moved("Analyzing", "AwaitingApproval")).includes("status.approval.name"));
  assert.ok(missing(moved("Executing", "Blocked")).includes("status.blockReason"));
});

test("what failed early is not asked for what comes later", () => {
  const failed = { event_type: "orchestrator.lifecycle.failed", event_data: { failure_phase: "AIAnalysis" } };
  const paths = missing(failed);
  assert.ok(paths.includes("status.failureReason") && !paths.includes("status.outcome"));
  assert.ok(!paths.includes("status.selectedWorkflowRef"));
});

test("a missing field names the events that would have carried it", () => {
  const mapped = REMEDIATION_REQUEST.map(selectRequest(parseTrace("rr-made", traceRows([moved("", "Pending")])), "n"));
  const { missing: fields, completeness } = completenessOf(REMEDIATION_REQUEST, mapped);
  assert.deepEqual(fields[0], {
    path: "spec.signalName",
    eventTypes: ["gateway.signal.received", "gateway.crd.created", "apifrontend.rr.created"],
    required: true,
  });
  assert.ok(completeness > 0 && completeness < 0.2);
});

test("what is against the schema is told with its path; required members are told elsewhere", () => {
  const object = { apiVersion: "v1", kind: "RemediationRequest", metadata: { name: "A" }, spec: { firingTime: "now" } };
  const messages = schemaWarnings(REMEDIATION_REQUEST, object).map(({ message }) => message.split(" ")[0]);
  assert.deepEqual(messages, ["apiVersion", "metadata.name", "spec.firingTime"]);
});

test("a chain with an event cut out, changed, or put twice", () => {
  const rows = traceRows([moved("a", "b"), moved("b", "c"), moved("c", "d")]);
  const [first, second, third] = rows as [TraceRow, TraceRow, TraceRow];
  assert.deepEqual(checkChain(rows), { verified: true, checked: 3 });
  const problems = (...some: TraceRow[]) => checkChain(some).firstBad;
  assert.equal(problems(first, third)?.problem, "events are missing before it: position 3, expected position 2");
  assert.equal(
    problems(first, { ...second, event_type: "x.y" }, third)?.problem,
    "its hash is not that of its content",
  );
  assert.equal(problems(first, second, second)?.problem, "two events have this place");
  assert.equal(problems({ ...first, event_hash: "00" }, second)?.position, 1);
  assert.deepEqual(checkChain([{ ...first, salt: null, actor_id: "somebody else" }]), {
    verified: false,
    checked: 0,
    firstBad: { position: 1, eventId: first.event_id, problem: "its hash cannot be checked: its salt is gone" },
  });
});

test("a chain whose newest events were cut off does not reach its head", () => {
  const made = traceRows([moved("a", "b"), moved("b", "c"), moved("c", "d")]);
  const head = { head_position: "3", head_hash: made[2]?.event_hash as string };
  const rows = made.map((row) => ({ ...row, ...head }));
  const [first, second, third] = rows as [TraceRow, TraceRow, TraceRow];
  assert.deepEqual(checkChain(rows), { verified: true, checked: 3 });
  const missing = { position: 3, eventId: "", problem: "events are missing up to position 3" };
  assert.deepEqual(checkChain([first, second]).firstBad, missing);
  assert.deepEqual(checkChain([first, second], 3).firstBad, missing);
  assert.ok(checkChain([first, second], 2).verified);
  const other = checkChain([first, second, { ...third, head_hash: "00" }]).firstBad;
  assert.deepEqual([other?.position, other?.problem], [3, "it is not the event that the head of its chain names"]);
  const behind = checkChain(rows.map((row) => ({ ...row, head_position: "2", head_hash: second.event_hash })));
  assert.equal(behind.firstBad?.position, 3);
  const headless = checkChain(rows.map((row) => ({ ...row, head_position: null, head_hash: null })));
  assert.match(headless.firstBad?.problem ?? "", /has no head/);
});

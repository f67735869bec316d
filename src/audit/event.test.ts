import assert from "node:assert/strict";
import { test } from "node:test";
import { submission } from "../../test/support/prepared_event.ts";
import { completeFields, deriveFields, submissionText } from "./event.ts";

test("what an emitter leaves out follows from the type and the correlation", () => {
  const categories = {
    "aianalysis.analysis.completed": "analysis",
    "orchestrator.lifecycle.started": "orchestration",
    "remediation.workflow_created": "orchestration",
    "workflow.catalog.actions_listed": "workflow",
    "remediationworkflow.admitted.create": "workflow",
    "gateway.signal.received": "gateway",
    "constructor.was.called": "constructor",
    single: "single",
  };
  for (const [type, category] of Object.entries(categories))
    assert.equal(deriveFields(type, "rr").event_category, category);
  assert.deepEqual(deriveFields("aiagent.llm.tool_call", "rr-7"), {
    event_version: "1.0",
    event_category: "aiagent",
    event_action: "tool_call",
    actor_type: "service",
    actor_id: "aiagent",
    resource_type: "RemediationRequest",
    resource_id: "rr-7",
    retention_days: 2555,
  });
});

test("an event is completed with what is derived and what the server adds", () => {
  const given = submission({ event_id: undefined, actor_id: "jane", duration_ms: 0 });
  const added = { event_id: "made", recorded_time: "2026-05-13T21:24:04.000000Z", recorded_by: "tester" };
  const fields = completeFields(given, deriveFields(given.event_type, given.correlation_id), added);
  assert.equal(fields.event_id, "made");
  assert.equal(fields.event_date, "2026-05-13");
  assert.equal(fields.actor_id, "jane");
  assert.equal(fields.duration_ms, 0);
  assert.equal(fields.recorded_by, "tester");
  assert.equal(fields.event_category, "gateway");
});

test("the text of a submission says the same for all ways to say the same", () => {
  const text = (fields: Parameters<typeof submission>[0]) => {
    const given = submission(fields);
    return submissionText(given, deriveFields(given.event_type, given.correlation_id));
  };
  const bare = text({});
  assert.equal(
    bare,
    '{"correlation_id":"rr-1","event_data":{},"event_outcome":"success","event_timestamp":"2026-05-13T21:24:03.123456Z","event_type":"gateway.signal.received","is_sensitive":false}',
  );
  assert.equal(
    text({ event_version: "1.0", event_category: "gateway", resource_id: "rr-1", retention_days: 2555 }),
    bare,
  );
  assert.notEqual(text({ duration_ms: 0 }), bare);
  assert.notEqual(text({ severity: "low" }), text({ error_code: "low" }));
  assert.equal(text({ event_id: "another" }), bare, "the id is what a repeat is found by");
});

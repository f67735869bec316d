import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { TimelineEvent } from "../../reconstruction/timeline/event.ts";
import { eventsOf, madeEvent, SAMPLE } from "../../reconstruction/timeline/sample.ts";
import { timelineOf } from "../../reconstruction/timeline/timeline.ts";
import { palette } from "../colour.ts";
import { width } from "../text.ts";
import { renderTimeline } from "./render.ts";

const sample = eventsOf(SAMPLE);

function render(events: readonly TimelineEvent[], columns: number, coloured = false): string {
  return renderTimeline(timelineOf("rr-1", events, { expand: false }), { columns, colours: palette(coloured) });
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
  assert.match(text, /\n +\+7m28s ┆ 5m56s without events\n +\+13m24s ✓ workflowexecution block\.cleared/);
  assert.match(
    text,
    /\nWho decided what\n(.*\n)+ +\+7m12s ◆ Approved by ines\.holm@nordlicht\.example\n +Fine for today/,
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
  const evil = "\u001b[2J\u001b]0;owned\u0007\r\n\u202e";
  const data = (...names: string[]) => ({ data: Object.fromEntries(names.map((name) => [name, evil])) });
  const events = [
    madeEvent(`x.${evil}`, 1, { actorId: evil, actorType: "user", ...data("reason") }),
    madeEvent("x.failed", 2, {
      eventId: evil,
      outcome: "failure",
      errorCode: evil,
      errorMessage: evil,
      clusterName: evil,
    }),
    madeEvent("orchestrator.lifecycle.transitioned", 3, data("from_phase", "to_phase")),
    madeEvent("signalprocessing.phase.transition", 3, data("from_phase", "to_phase")),
    madeEvent("orchestrator.lifecycle.completed", 4, data("crd_outcome")),
    madeEvent("gateway.signal.received", 4, data("signal_name", "resource_kind", "resource_name")),
    madeEvent("aiagent.llm.tool_call", 4, data("tool_name")),
    madeEvent("webhook.remediationapprovalrequest.decided", 5, data("decision", "decided_by", "decision_message")),
  ];
  for (const columns of [50, 80, 140]) {
    const controls = [...render(events, columns)].filter((one) => /[\p{Cc}\u202e]/u.test(one) && one !== "\n");
    assert.deepEqual(controls, []);
  }
});

test("names of 253 characters and of any script keep to the width of the terminal", () => {
  for (const name of ["n".repeat(253), "修复".repeat(120), "שלום עולם ".repeat(20)]) {
    const events = [
      madeEvent("gateway.signal.received", 1, {
        data: { signal_name: name, resource_kind: "K", resource_name: name, namespace: name },
      }),
      madeEvent("orchestrator.lifecycle.transitioned", 2, { data: { from_phase: "Pending", to_phase: name } }),
      madeEvent("webhook.notification.cancelled", 90, { data: { cancelled_by: name, reason: name } }),
    ];
    const timeline = timelineOf(name, events, { expand: false });
    for (const columns of [50, 80, 140]) {
      const lines = renderTimeline(timeline, { columns, colours: palette(false) }).split("\n");
      for (const line of lines) assert.ok(width(line) <= columns, `${columns}: ${line}`);
    }
  }
});

test("a single event makes a timeline", () => {
  const text = render([madeEvent("custom.thing.happened", 1, { data: { message: "so it goes" } })], 120);
  assert.match(text, /^rr-1 {2}course unknown\n/);
  assert.match(text, /── Steps ─+\n +\+0ms ✓ custom thing\.happened +so it goes\n/);
});

const recordings = join(process.env["DATASTORAGE_TEST_DATA"] ?? "", "traces");
const recorded = process.env["DATASTORAGE_TEST_DATA"] !== undefined && existsSync(recordings);

test("recorded remediations", { skip: !recorded && "DATASTORAGE_TEST_DATA is not set" }, async (t) => {
  for (const name of readdirSync(recordings)) {
    await t.test(name, () => {
      const events = eventsOf(pathToFileURL(join(recordings, name)) as URL);
      for (const columns of [50, 80, 130])
        for (const line of render(events, columns).split("\n")) assert.ok(width(line) <= columns, line);
    });
  }
});

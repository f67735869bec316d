import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eventsOf, madeEvent, SAMPLE } from "../../../reconstruction/timeline/sample.ts";
import { timelineOf } from "../../../reconstruction/timeline/timeline.ts";
import { html } from "./markup.ts";
import { timelinePage } from "./page.ts";
import { scaleOf } from "./scale.ts";

const sample = eventsOf(SAMPLE);
const pageOf = (events = sample, name = "rr-1") => timelinePage(timelineOf(name, events, { expand: false }));
/** The names of all elements of a page, in their order; without the places where a line may break. */
const elements = (page: string) =>
  [...page.matchAll(/<(\/?[a-zA-Z!][^\s>]*)/g)].map(([, name]) => name).filter((name) => name !== "wbr");

test("the page needs nothing else, and may load nothing", () => {
  const page = pageOf();
  assert.match(
    page,
    /^<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="default-src 'none';/,
  );
  assert.deepEqual([...page.matchAll(/ (?:src|href|action|srcset|xlink:href)\s*=|@import|<script|\bon\w+=/gi)], []);
  // Addresses that a page names without loading them: the name of SVG, and the pattern of its own drawing.
  assert.deepEqual(new Set(page.match(/https?:[^"'\s<]*/g)), new Set(["http://www.w3.org/2000/svg"]));
  assert.deepEqual(new Set(page.match(/url\([^)]*\)/g)), new Set(["url(#hatch)"]));
});

test("the page tells the course: phases, decisions, failures, gaps and steps", () => {
  const page = pageOf();
  for (const expected of [
    '<span class="status good"><bdi>Remediated</bdi></span>',
    "<title>AwaitingApproval, 6m34s</title>",
    'AwaitingApproval <tspan class="span">6m34s</tspan>',
    "<title>Approved by ines.holm@nordlicht.example</title>",
    "<bdi>Fine for today; the cart cache gets a bound with the next release.</bdi>",
    "<bdi>ERR_PIPELINE_FAILED: Task roll-deployment failed: exceeded quota shop-compute</bdi>",
    '<td class="wide" colspan="6">5m56s without events</td>',
    '<time datetime="2026-09-14T07:49:23.114021Z">07:49:23.114</time>',
    "Told by 90 audit events; times are UTC.",
  ]) {
    assert.ok(page.includes(expected), `${expected} is missing`);
  }
  assert.equal(page, pageOf([...sample].reverse()));
});

test("bars and marks are drawn to scale", () => {
  const page = pageOf();
  // AwaitingApproval: from 37.902 s to 432.101 s of 1618.118 s.
  assert.match(page, /<title>AwaitingApproval.*?<rect x="2\.342%" y="\d+" width="24\.362%"/s);
  assert.match(page, /<text class="tick middle" x="18\.54%" y="12">\+5m<\/text>/);
});

test("every element is closed where it was opened", () => {
  const open: string[] = [];
  for (const [, close, name = "", empty] of pageOf().matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/gi)) {
    if (close === "/") assert.equal(open.pop(), name);
    else if (empty !== "/" && !["meta", "wbr", "col"].includes(name)) open.push(name);
  }
  assert.deepEqual(open, []);
});

test("what events say cannot become markup", () => {
  const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)></svg></style></title><!-- &lt; \u202e\u0000`;
  const members = [
    "signal_name",
    "severity",
    "resource_kind",
    "resource_name",
    "namespace",
    "from_phase",
    "to_phase",
    "crd_outcome",
    "decision",
    "decided_by",
    "decision_message",
    "tool_name",
    "model",
    "reason",
    "workflow_name",
    "workflow_version",
  ];
  const course = (text: string) => {
    const data = Object.fromEntries(members.map((member) => [member, text]));
    const types = [
      "gateway.signal.received",
      "orchestrator.lifecycle.transitioned",
      "aianalysis.phase.transition",
      "aiagent.llm.request",
      "aiagent.llm.tool_call",
      "webhook.remediationapprovalrequest.decided",
      "workflowexecution.selection.completed",
      "orchestrator.lifecycle.completed",
      `x.${text}`,
    ];
    const events = types.map((type, index) =>
      madeEvent(type, index * 100 ** (index > 6 ? 2 : 1), {
        position: index,
        data,
        actorType: "user",
        actorId: text,
        clusterName: text,
        errorCode: text,
        errorMessage: text,
        outcome: index % 2 === 0 ? "failure" : "success",
        eventId: `${text}${index}`,
      }),
    );
    return timelinePage(timelineOf(text, events, { expand: true }), text);
  };
  const page = course(evil);
  assert.deepEqual(elements(page), elements(course("harmless")));
  assert.ok(!page.includes("\u202e") && !page.includes("\0"));
});

test("no text gets out of its place, whatever it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const { text: made } = html`<p title="${text}">${text}</p>`;
      const [, title = "", inner = ""] = /^<p title="([^"<>']*)">([^<>"']*)<\/p>$/u.exec(made) ?? [];
      assert.equal(title, inner);
      if (/^[\x20-\x7e]*$/.test(text)) assert.equal(unescaped(title), text);
    }),
  );
});

test("a single event, names of 253 characters, other scripts, much after the end", () => {
  for (const name of ["n".repeat(253), "修复-خدمة-😀"]) {
    const page = pageOf([madeEvent("custom.thing", 1, { data: { message: name } })], name);
    assert.ok(page.includes(`<h1><bdi>${name}</bdi></h1>`));
    assert.ok(page.includes("course unknown"));
  }
  const completed = madeEvent("orchestrator.lifecycle.completed", 10, { data: { outcome: "Success" } });
  const late = pageOf([madeEvent("x.y", 1), completed, madeEvent("x.z", 100_000)]);
  assert.ok(late.includes("1 step after the end stands at the right edge."));
});

test("the axis counts in steps that people count in", () => {
  const ticks = (seconds: number) =>
    scaleOf(0n, BigInt(Math.round(seconds * 1e6))).ticks.map(({ milliseconds }) => milliseconds / 1000);
  assert.deepEqual(ticks(1618), [0, 300, 600, 900, 1200, 1500]);
  assert.deepEqual(ticks(0.4), [0, 0.1, 0.2, 0.3, 0.4]);
  assert.deepEqual(ticks(0), []);
  for (const seconds of [1e-6, 1, 59, 3600, 86_400, 3e8, 3e11]) assert.ok(ticks(seconds).length <= 7, String(seconds));
});

function unescaped(text: string): string {
  const texts: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return text.replaceAll(/&([^;]+);/g, (_, name: string) => texts[name] ?? "?");
}

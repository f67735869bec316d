import type { Timeline } from "../../../../gen/ts/kubernaut/reconstruction/v1/timeline_pb.ts";
import { count } from "../../text.ts";
import { statusText, summaryLines } from "../summary.ts";
import { drawing } from "./drawing.ts";
import { html, Markup } from "./markup.ts";
import { STYLE } from "./style.ts";
import { decisionTable, failureTable, said, stepTable } from "./tables.ts";

/** Should anything of an event ever get past the escaping: it can neither run nor load anything. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/**
 * The course of a remediation as one HTML page that needs nothing else: no script, no font, no picture of elsewhere. The same
 * timeline gives the same bytes. `asOf`: the moment that it was asked for, in words.
 */
export function timelinePage(timeline: Timeline, asOf?: string): string {
  const { correlationId, outcome, failed } = timeline;
  const kind = outcome === "" ? "" : failed ? "bad" : "good";
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Timeline of ${correlationId}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${said(correlationId)}</h1>
<span class="status ${kind}">${said(statusText(timeline))}</span>
<dl>${summaryLines(timeline).map(
    ({ label, text }) => html`<dt>${label}</dt><dd>${said(text)}</dd>
`,
  )}${asOf === undefined ? undefined : html`<dt>As of</dt><dd>${said(asOf)}</dd>`}</dl>
</header>
<main>
<h2>Course</h2>
<figure>${drawing(timeline)}
${legend(timeline)}</figure>
${decisionTable(timeline)}
${failureTable(timeline)}
${stepTable(timeline)}
</main>
<footer>${footer(timeline)}</footer>
</body>
</html>
`;
  return page.text;
}

function legend({ decisions, failures, gaps }: Timeline): Markup {
  const entries = [
    ["working", "at work"],
    ["waiting", "waiting"],
    ["good", "success"],
    ["bad", "failure"],
    ...(decisions.some(({ byPerson }) => byPerson) ? [["person", "decided by a person"]] : []),
    ...(decisions.some(({ byPerson }) => !byPerson) ? [["rule", "decided by a policy, a model or a service"]] : []),
    ...(gaps.length === 0 ? [] : [["none", "long without events"]]),
  ];
  const numbered = decisions.length + failures.length > 0 ? html`<li>Numbers are those of the tables.</li>` : undefined;
  return html`<figcaption><ul class="legend">${entries.map(([kind, text]) => html`<li><i class="${kind}"></i>${text}</li>`)}${numbered}</ul></figcaption>`;
}

function footer({ eventCount, stepsLeftOut }: Timeline): string {
  const left = stepsLeftOut === 0 ? "" : ` ${count(stepsLeftOut, "further step")} not shown.`;
  return `Told by ${count(eventCount, "audit event")}; times are UTC.${left}`;
}

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type {
  Timeline,
  TimelinePhase,
  TimelineStep,
} from "../../../../gen/ts/kubernaut/reconstruction/v1/timeline_pb.ts";
import { timestampText } from "../../../audit/timestamp.ts";
import { durationText, millisecondsBetween } from "../../duration_text.ts";
import { microsOf, spanOf } from "../clock.ts";
import { type Line, linesOf } from "../lines.ts";
import { movesText } from "../summary.ts";
import { html, type Markup } from "./markup.ts";

/** Who decided what and why, numbered as in the drawing. */
export function decisionTable({ decisions, startTime }: Timeline): Markup {
  if (decisions.length === 0) return html``;
  const rows = decisions.map(
    ({ time, decision, decidedBy, byPerson, reason, eventId }, index) =>
      html`<tr><td class="sign">${index + 1}</td>${moment(time, startTime)}<td class="type">${breakable(decision)}</td><td class="who">${who(decidedBy, byPerson)}</td><td class="what">${said(reason)}</td><td class="id"><code>${breakable(eventId)}</code></td></tr>
`,
  );
  return html`<h2>Who decided what</h2>
<table class="list">${columns(6)}<thead><tr><th>#</th><th>At</th><th>Decision</th><th>By</th><th>Why</th><th>Event</th></tr></thead><tbody>
${rows}</tbody></table>`;
}

/** What failed, numbered as in the drawing. */
export function failureTable({ failures, startTime }: Timeline): Markup {
  if (failures.length === 0) return html``;
  const rows = failures.map(
    ({ time, eventType, count, message, eventId }, index) =>
      html`<tr class="failure"><td class="sign">${index + 1}</td>${moment(time, startTime)}<td class="type"><code>${breakable(eventType)}</code>${times(count)}</td><td class="what">${said(message)}</td><td class="id"><code>${breakable(eventId)}</code></td></tr>
`,
  );
  return html`<h2>What failed</h2>
<table class="list failures">${columns(5)}<thead><tr><th>#</th><th>At</th><th>Event type</th><th>Why</th><th>First event</th></tr></thead><tbody>
${rows}</tbody></table>`;
}

/** All steps, by phase. */
export function stepTable(timeline: Timeline): Markup {
  return html`<h2>Steps</h2>
<table class="steps">${columns(6)}<thead><tr><th>At</th><th></th><th>Event type</th><th>Who</th><th class="took">Took</th><th>What</th></tr></thead>
${timeline.phases.map((phase) => phaseRows(phase, timeline))}</table>`;
}

function phaseRows(phase: TimelinePhase, { gaps, startTime }: Timeline): Markup {
  const span = spanOf(phase.duration);
  const took = span === undefined ? undefined : html`<span class="took">${durationText(span)}</span>`;
  const inner = phase.inner.map(
    ({
      machine,
      moves,
    }) => html`<tr><td class="wide note" colspan="6">${said(`${machine}: ${movesText(moves)}`)}</td></tr>
`,
  );
  return html`<tbody><tr><th colspan="6" scope="rowgroup">${phase.name === "" ? "Steps" : said(phase.name)}${took}</th></tr>
${inner}${linesOf(phase, gaps).map((line) => row(line, startTime))}</tbody>
`;
}

function row({ step, gap }: Line, start: Timestamp | undefined): Markup {
  if (step !== undefined) return stepRow(step, start);
  const span = durationText(millisecondsBetween(microsOf(gap.startTime), microsOf(gap.endTime)));
  return html`<tr class="pause"><td class="wide" colspan="6">${span} without events</td></tr>
`;
}

const SIGNS: Readonly<Record<string, string>> = { success: "✓", failure: "✗", pending: "…" };

function stepRow(step: TimelineStep, start: Timestamp | undefined): Markup {
  const { time, lastTime, eventType, actor, byPerson, count, outcome, summary } = step;
  const span = spanOf(step.duration);
  const kind = Object.hasOwn(SIGNS, outcome) ? outcome : "";
  return html`<tr class="${kind}">${moment(time, start, lastTime)}<td class="sign" title="${outcome}">${SIGNS[kind]}</td><td class="type"><code>${breakable(eventType)}</code>${times(count)}</td><td class="who">${who(actor, byPerson)}</td><td class="took">${span === undefined ? undefined : durationText(span)}</td><td class="what">${summary === "" ? undefined : said(summary)}</td></tr>
`;
}

/** When: since the start, and by the clock. */
function moment(time: Timestamp | undefined, start: Timestamp | undefined, last?: Timestamp): Markup {
  const since = (at: Timestamp | undefined) => `+${durationText(millisecondsBetween(microsOf(start), microsOf(at)))}`;
  const rfc3339 = time === undefined ? "" : timestampText(time);
  const until = last === undefined || microsOf(last) === microsOf(time) ? "" : ` – ${since(last)}`;
  return html`<td class="at">${since(time)}${until}<time datetime="${rfc3339}">${rfc3339.slice(11, 23)}</time></td>`;
}

function times(count: number): string {
  return count > 1 ? ` ×${count.toLocaleString("en-US")}` : "";
}

function who(name: string, byPerson: boolean): Markup {
  return html`<bdi class="${byPerson ? "person" : ""}">${breakable(name)}</bdi>`;
}

/** What events say, in whichever direction it is written. */
export function said(text: string): Markup {
  return html`<bdi>${text}</bdi>`;
}

/** A name that may go on in the next line behind its dots and other signs, and between the words that it is joined of. */
function breakable(name: string): Markup {
  return html`${name.split(/(?<=[._/:@-])|(?<=[a-z])(?=[A-Z])/).map((part, index) => (index === 0 ? part : html`<wbr>${part}`))}`;
}

/** What the widths of columns are set on. */
function columns(number: number): Markup {
  return html`<colgroup>${Array.from({ length: number }, (_, index) => html`<col class="c${index + 1}">`)}</colgroup>`;
}

import type {
  Timeline,
  TimelinePhase,
  TimelineStep,
} from "../../../../gen/ts/kubernaut/reconstruction/v1/timeline_pb.ts";
import { durationText, millisecondsBetween } from "../../duration_text.ts";
import { count, cut } from "../../text.ts";
import { microsOf, spanOf } from "../clock.ts";
import { html, type Markup } from "./markup.ts";
import { type Scale, scaleOf } from "./scale.ts";

/** Phases that are drawn; further ones stand in the table. */
const MOST_PHASES = 60;
const LONGEST_LABEL = 22;
const AXIS_HEIGHT = 24;
const PHASE_HEIGHT = 36;
const LANE_HEIGHT = 42;
const PIN_HEIGHT = 20;
/** Pins that are nearer to each other than this part of the whole are put below each other. */
const PIN_DISTANCE = 0.05;
const MOST_PIN_ROWS = 6;
/** Behind this part of the drawing, labels end where their bar does instead of beginning there. */
const TURN = 0.5;
/** A gap that takes less than this part of the whole has no room for its label. */
const LABELLED_GAP = 0.09;

/** Part of the drawing, as high as it needs. */
interface Lane {
  readonly height: number;
  /** What is drawn, from a height downwards. */
  draw(top: number): Markup;
}

/**
 * The course drawn to scale as SVG: a bar for each phase, and below it the steps, the decisions and failures by their numbers in
 * the tables, and the stretches without events. Places are shares of the width, so that text keeps its size on every screen.
 */
export function drawing(timeline: Timeline): Markup {
  const { phases, decisions, failures, gaps } = timeline;
  const scale = scaleOf(microsOf(timeline.startTime), drawnUntil(timeline));
  const drawn = phases.filter(({ name }) => name !== "").slice(0, MOST_PHASES);
  const lanes = [
    ...drawn.map((phase) => phaseLane(phase, timeline, scale)),
    stepLane(timeline, scale),
    ...(decisions.length === 0
      ? []
      : [
          pinLane(
            "Decisions",
            decisions.map(({ time, decision, decidedBy, byPerson }) => ({
              at: scale.at(microsOf(time)),
              kind: byPerson ? "person" : "rule",
              title: `${decision} by ${decidedBy}`,
            })),
          ),
        ]),
    ...(failures.length === 0
      ? []
      : [
          pinLane(
            "Failures",
            failures.map(({ time, eventType, message }) => ({
              at: scale.at(microsOf(time)),
              kind: "bad",
              title: `${eventType}: ${message}`,
            })),
          ),
        ]),
    ...(gaps.length === 0 ? [] : [gapLane(timeline, scale)]),
  ];
  const tops = lanes.map((_, index) => lanes.slice(0, index).reduce((sum, { height }) => sum + height, AXIS_HEIGHT));
  const height = lanes.reduce((sum, lane) => sum + lane.height, AXIS_HEIGHT);
  return html`<svg class="drawing" role="img" width="100%" height="${height}" xmlns="http://www.w3.org/2000/svg">
<title>The course of ${timeline.correlationId}, drawn to scale</title>
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>
${axis(scale, height)}
${gaps.map(({ startTime, endTime }) => bar("gap", scale.at(microsOf(startTime)), scale.at(microsOf(endTime)), AXIS_HEIGHT, height - AXIS_HEIGHT))}
${lanes.map((lane, index) => lane.draw(tops[index] as number))}
</svg>${leftOut(timeline, drawn.length, scale)}`;
}

/** What happens long after the end (somebody reads a notification) would leave no room for the course itself. */
function drawnUntil({ startTime, endTime, phases }: Timeline): bigint {
  const start = microsOf(startTime);
  const end = microsOf(endTime);
  let last = end;
  for (const { time, lastTime } of phases.flatMap(({ steps }) => steps)) {
    const at = microsOf(lastTime ?? time);
    if (at > last) last = at;
  }
  return (last - end) * 4n <= end - start ? last : end;
}

function leftOut({ phases }: Timeline, drawn: number, { end }: Scale): Markup {
  const late = phases.flatMap(({ steps }) => steps).filter(({ time }) => microsOf(time) > end).length;
  const further = phases.filter(({ name }) => name !== "").length - drawn;
  const notes = [
    ...(late === 0 ? [] : [`${count(late, "step")} after the end stand${late === 1 ? "s" : ""} at the right edge.`]),
    ...(further === 0 ? [] : [`${count(further, "further phase")} not drawn.`]),
  ];
  return notes.length === 0 ? html`` : html`<p class="note">${notes.join(" ")}</p>`;
}

function axis({ ticks }: Scale, height: number): Markup {
  return html`${ticks.map(
    ({ at, milliseconds }) =>
      html`<line class="grid" x1="${share(at)}" y1="18" x2="${share(at)}" y2="${height}"/><text class="tick ${anchor(at)}" x="${share(at)}" y="12">${tickText(milliseconds)}</text>`,
  )}`;
}

/** `+5m` and not `+5m00s`. */
function tickText(milliseconds: number): string {
  return milliseconds === 0 ? "0" : `+${durationText(milliseconds).replace(/(?<=[dhm])00[hms]$|\.0(?=s$)/, "")}`;
}

function phaseLane(phase: TimelinePhase, timeline: Timeline, scale: Scale): Lane {
  const from = scale.at(microsOf(phase.startTime));
  const lasts = phase.endTime === undefined && timeline.outcome === "";
  const to = phase.endTime === undefined ? (lasts ? 1 : from) : scale.at(microsOf(phase.endTime));
  const span = spanOf(phase.duration);
  const turned = from > TURN;
  const label = html`${cut(phase.name, LONGEST_LABEL)} <tspan class="span">${span === undefined ? (lasts ? "goes on" : "") : durationText(span)}</tspan>`;
  return {
    height: PHASE_HEIGHT,
    draw: (top) => html`<g><title>${phase.name}${span === undefined ? "" : `, ${durationText(span)}`}</title>
<text class="${turned ? "end" : "start"}" x="${share(turned ? to : from)}" y="${top + 14}">${label}</text>
${bar(`phase ${kindOf(phase.name)}`, from, to, top + 19, 11)}</g>`,
  };
}

/** Whether something worked, waited for somebody, went well or failed in this phase. */
function kindOf(phase: string): string {
  if (phase === "Failed" || phase === "TimedOut") return "bad";
  if (phase === "Completed") return "good";
  return phase === "AwaitingApproval" || phase === "Blocked" ? "waiting" : "working";
}

/** Every step as a mark, and of several a line to the last. */
function stepLane({ phases }: Timeline, scale: Scale): Lane {
  const steps = phases.flatMap(({ steps }) => steps);
  // What failed is drawn last, so that nothing hides it.
  const ordered = [
    ...steps.filter(({ outcome }) => outcome !== "failure"),
    ...steps.filter(({ outcome }) => outcome === "failure"),
  ];
  return {
    height: LANE_HEIGHT,
    draw: (top) => html`${laneTitle("Steps", top)}${ordered.map((step) => stepMark(step, scale, top + 20))}`,
  };
}

function stepMark({ time, lastTime, outcome, eventType, count }: TimelineStep, scale: Scale, top: number): Markup {
  const from = share(scale.at(microsOf(time)));
  const kind = outcome === "failure" ? "bad" : outcome === "pending" ? "waiting" : "good";
  const line =
    lastTime === undefined
      ? undefined
      : html`<line class="run ${kind}" x1="${from}" y1="${top + 7}" x2="${share(scale.at(microsOf(lastTime)))}" y2="${top + 7}"/>`;
  return html`<g><title>${eventType}${count > 1 ? ` ×${count}` : ""}</title>${line}<line class="mark ${kind}" x1="${from}" y1="${kind === "bad" ? top - 3 : top}" x2="${from}" y2="${kind === "bad" ? top + 17 : top + 14}"/></g>
`;
}

interface Pin {
  readonly at: number;
  readonly kind: string;
  readonly title: string;
}

/** Numbered pins; those that would cover each other stand below each other. */
function pinLane(title: string, pins: readonly Pin[]): Lane {
  const ends: number[] = [];
  const rows = pins.map(({ at }) => {
    const free = ends.findIndex((end) => at - end >= PIN_DISTANCE);
    const row = free >= 0 ? free : ends.length < MOST_PIN_ROWS ? ends.length : ends.indexOf(Math.min(...ends));
    ends[row] = at;
    return row;
  });
  return {
    height: 22 + Math.max(1, ends.length) * PIN_HEIGHT + 4,
    draw: (top) =>
      html`${laneTitle(title, top)}${pins.map(({ at, kind, title }, index) => {
        const y = top + 22 + (rows[index] as number) * PIN_HEIGHT + 9;
        return html`<g class="pin ${kind}"><title>${title}</title><circle cx="${share(at)}" cy="${y}" r="9"/><text x="${share(at)}" y="${y + 4}">${index + 1}</text></g>
`;
      })}`,
  };
}

function gapLane({ gaps }: Timeline, scale: Scale): Lane {
  return {
    height: LANE_HEIGHT,
    draw: (top) =>
      html`${laneTitle("Without events", top)}${gaps.map(({ startTime, endTime }) => {
        const [start, end] = [microsOf(startTime), microsOf(endTime)];
        const [from, to] = [scale.at(start), scale.at(end)];
        if (to - from < LABELLED_GAP) return undefined;
        return html`<text class="middle span" x="${share((from + to) / 2)}" y="${top + 34}">${durationText(millisecondsBetween(start, end))}</text>`;
      })}`,
  };
}

function laneTitle(title: string, top: number): Markup {
  return html`<text class="start lane" x="0" y="${top + 14}">${title}</text>`;
}

/** A bar, with a line at its beginning so that also what took no time can be seen. */
function bar(kind: string, from: number, to: number, top: number, height: number): Markup {
  return html`<g class="${kind}"><rect x="${share(from)}" y="${top}" width="${share(to - from)}" height="${height}"/><line x1="${share(from)}" y1="${top}" x2="${share(from)}" y2="${top + height}"/></g>
`;
}

function anchor(at: number): string {
  return at === 0 ? "start" : at > 0.97 ? "end" : "middle";
}

function share(part: number): string {
  return `${Number((part * 100).toFixed(3))}%`;
}

import type {
  Timeline,
  TimelineFailure,
  TimelineGap,
  TimelinePhase,
  TimelineStep,
} from "../../../gen/ts/kubernaut/reconstruction/v1/timeline_pb.ts";
import type { Palette } from "../colour.ts";
import { durationText, millisecondsBetween } from "../duration_text.ts";
import { count, cut, pad, printable, width, wrap } from "../text.ts";
import { microsOf, spanOf } from "./clock.ts";
import { linesOf } from "./lines.ts";
import { movesText, statusText, summaryLines } from "./summary.ts";

export interface RenderOptions {
  /** Columns of the terminal. */
  readonly columns: number;
  readonly colours: Palette;
}

const LABEL_COLUMNS = 10;
const OFFSET_COLUMNS = 9;
const DURATION_COLUMNS = 8;
/** With fewer columns than this, what is said about a step stands below it. */
const WIDE = 112;
/** Of a wide terminal, the part that the action takes at most. */
const ACTION_SHARE = 0.28;
const LONGEST_ACTOR = 17;
/** Phases have names of one word; a longer one is cut. */
const LONGEST_PHASE = 24;
/** With fewer than this, a step's type stands whole instead of in two columns. */
const COMPACT = 72;
const NARROWEST = 50;
const DETAIL_LINES = 2;
const FAILURE_LINES = 3;
const REASON_LINES = 6;

/** The course of a remediation for people: what it was about, its phases, its steps, who decided what, and what failed. */
export function renderTimeline(timeline: Timeline, { columns: available, colours }: RenderOptions): string {
  const columns = Math.max(available, NARROWEST);
  const view = { columns, colours, start: microsOf(timeline.startTime), end: microsOf(timeline.endTime) };
  const steps = stepColumns(timeline, view);
  const sections = [
    [title(timeline, view), ...head(timeline, view)],
    phaseTable(timeline, view),
    ...timeline.phases.map((phase) => phaseSection(phase, timeline.gaps, steps, view)),
    decisionSection(timeline, view),
    failureSection(timeline, view),
    leftOut(timeline),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

interface View extends RenderOptions {
  /** The remediation's bounds in microseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
}

function title(timeline: Timeline, { columns, colours }: View): string {
  const status = cut(statusText(timeline), columns - 2);
  const paint = timeline.outcome === "" ? colours.yellow : timeline.failed ? colours.red : colours.green;
  const name = printable(timeline.correlationId);
  const separator = width(name) + 2 + width(status) <= columns ? "  " : "\n  ";
  return `${wrap(name, columns).map(colours.bold).join("\n")}${separator}${paint(status)}`;
}

function head(timeline: Timeline, { columns, colours }: View): string[] {
  return summaryLines(timeline).flatMap(({ label, text }) =>
    wrap(text, columns - LABEL_COLUMNS).map(
      (line, index) => colours.dim(pad(index === 0 ? label : "", LABEL_COLUMNS)) + line,
    ),
  );
}

/** One line a phase: when it began, how long it took, and a bar of its part of the whole. */
function phaseTable({ phases }: Timeline, { columns, colours, start, end }: View): string[] {
  const named = phases.filter(({ name }) => name !== "");
  if (named.length === 0) return [];
  const nameOf = (phase: TimelinePhase) => cut(printable(phase.name), LONGEST_PHASE);
  const nameColumns = Math.max(...named.map((phase) => width(nameOf(phase))));
  const left = 2 + nameColumns + 2 + OFFSET_COLUMNS + 1 + DURATION_COLUMNS + 2;
  const barColumns = Math.min(50, columns - left);
  const total = millisecondsBetween(start, end);
  return [
    colours.bold("Phases"),
    ...named.flatMap((phase) => {
      const begin = millisecondsBetween(start, microsOf(phase.startTime));
      const stay = spanOf(phase.duration);
      const cells = [
        `  ${pad(nameOf(phase), nameColumns)}  ${pad(`+${durationText(begin)}`, OFFSET_COLUMNS, "right")}`,
        ` ${pad(stay === undefined ? "" : durationText(stay), DURATION_COLUMNS, "right")}  `,
        barColumns < 10 || stay === undefined ? "" : colours.cyan(bar(begin, stay, total, barColumns)),
      ];
      const moves = phase.inner.flatMap(({ machine, moves }) =>
        wrap(`${printable(machine)}: ${movesText(moves)}`, columns - 6),
      );
      return [cells.join("").trimEnd(), ...moves.map((line) => colours.dim(`      ${line}`))];
    }),
  ];
}

/** A span within the whole, in eighths of a column; never nothing. */
function bar(begin: number, length: number, total: number, columns: number): string {
  if (total <= 0) return "▏";
  const eighths = (ms: number) => Math.round((ms / total) * columns * 8);
  const size = Math.max(1, eighths(length));
  const rest = size % 8;
  const start = Math.min(Math.floor(eighths(begin) / 8), columns - 1);
  return " ".repeat(start) + "█".repeat(Math.floor(size / 8)) + (rest === 0 ? "" : "▏▎▍▌▋▊▉"[rest - 1]);
}

function phaseSection(phase: TimelinePhase, gaps: readonly TimelineGap[], columns: StepColumns, view: View): string[] {
  const lines = linesOf(phase, gaps);
  if (lines.length === 0) return [];
  const name = phase.name === "" ? "Steps" : cut(printable(phase.name), view.columns - 6);
  const rule = "─".repeat(Math.max(0, view.columns - width(name) - 4));
  return [
    view.colours.bold(`── ${name} ${rule}`),
    ...lines.flatMap(({ step, gap }) => (step === undefined ? [gapLine(gap, view)] : stepLines(step, columns, view))),
  ];
}

function gapLine({ startTime, endTime }: TimelineGap, { colours, start }: View): string {
  const from = microsOf(startTime);
  const offset = pad(`+${durationText(millisecondsBetween(start, from))}`, OFFSET_COLUMNS, "right");
  return colours.dim(`${offset} ┆ ${durationText(millisecondsBetween(from, microsOf(endTime)))} without events`);
}

/** Columns of the table of steps: as wide as what stands in them, within limits. No column for the actor: compact. */
interface StepColumns {
  readonly actor: number;
  readonly action: number;
}

function stepColumns({ phases }: Timeline, { columns }: View): StepColumns {
  if (columns < COMPACT) return { actor: 0, action: columns - OFFSET_COLUMNS - 4 - DURATION_COLUMNS };
  const all = phases.flatMap(({ steps }) => steps.map(whoAndWhat));
  const fit = (texts: readonly string[], most: number) =>
    texts.reduce((widest, text) => Math.min(most, Math.max(widest, width(text))), 0);
  const actor = fit(
    all.map((one) => one.actor),
    LONGEST_ACTOR,
  );
  const action = fit(
    all.map((one) => one.action),
    columns >= WIDE ? Math.floor(columns * ACTION_SHARE) : columns - OFFSET_COLUMNS - 5 - actor - DURATION_COLUMNS,
  );
  return { actor, action };
}

function stepLines(step: TimelineStep, { actor, action }: StepColumns, view: View): string[] {
  const { columns, colours } = view;
  const span = spanOf(step.duration);
  const offset = pad(`+${durationText(millisecondsBetween(view.start, microsOf(step.time)))}`, OFFSET_COLUMNS, "right");
  const took = pad(span === undefined ? "" : durationText(span), DURATION_COLUMNS, "right");
  const who = actor === 0 ? { actor: "", action: typeText(step) } : whoAndWhat(step);
  const isWide = columns >= WIDE;
  const indent = isWide ? OFFSET_COLUMNS + 5 + actor + action + DURATION_COLUMNS + 2 : OFFSET_COLUMNS + 3;
  const about = aboutLines(step, view.start, columns - indent);
  const beside = isWide ? about[0] : undefined;
  const below = isWide ? about.slice(1) : about;
  const paint = step.outcome === "failure" ? colours.red : (text: string) => text;
  const ending = `${pad(cut(who.action, action), action)} ${colours.dim(took)}`;
  const line = [
    colours.dim(offset),
    mark(step, colours),
    ...(actor === 0 ? [] : [colours.cyan(pad(cut(who.actor, actor), actor))]),
    beside === undefined && span === undefined ? cut(who.action, action) : ending,
  ].join(" ");
  const whole = beside === undefined ? line : `${line}  ${paint(beside)}`;
  return [whole, ...below.map((text) => " ".repeat(indent) + paint(text))];
}

/** The service and the rest of the type. */
function whoAndWhat(step: TimelineStep): { actor: string; action: string } {
  const { eventType, actor, byPerson } = step;
  const dot = eventType.indexOf(".");
  const service = eventType.slice(0, Math.max(dot, 0));
  if (!byPerson && actor !== service) return { actor: printable(actor), action: typeText(step) };
  return { actor: printable(service), action: typeText(step).slice(dot + 1) };
}

/** The type, with how often it came. */
function typeText({ eventType, count }: TimelineStep | TimelineFailure): string {
  return printable(eventType) + (count > 1 ? ` ×${count}` : "");
}

function mark({ outcome }: TimelineStep, colours: Palette): string {
  if (outcome === "failure") return colours.red("✗");
  return outcome === "pending" ? colours.yellow("…") : colours.green("✓");
}

/** Who said what about a step, in a few lines; nothing where there is no room for it. */
function aboutLines(step: TimelineStep, start: bigint, columns: number): string[] {
  const { lastTime, byPerson, actor, summary, outcome } = step;
  const last = microsOf(lastTime ?? step.time);
  const until = last === microsOf(step.time) ? "" : `until +${durationText(millisecondsBetween(start, last))}`;
  const text = printable([until, byPerson ? actor : "", summary].filter((part) => part !== "").join(": "));
  if (text === "" || columns < 10) return [];
  return fewLines(text, columns, outcome === "failure" ? FAILURE_LINES : DETAIL_LINES);
}

/** Text in a number of lines at most, the last one cut where it is longer. */
function fewLines(text: string, columns: number, most: number): string[] {
  const lines = wrap(text, columns);
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), cut(`${lines[most - 1]} ${lines[most]}`, columns)];
}

/** Who decided what and why, in the order of the course. */
function decisionSection({ decisions }: Timeline, { columns, colours, start }: View): string[] {
  if (decisions.length === 0) return [];
  const indent = OFFSET_COLUMNS + 3;
  return [
    colours.bold("Who decided what"),
    ...decisions.flatMap(({ time, decision, decidedBy, byPerson, reason }) => {
      const offset = pad(`+${durationText(millisecondsBetween(start, microsOf(time)))}`, OFFSET_COLUMNS, "right");
      const room = columns - indent;
      const what = cut(printable(decision), room);
      const by = cut(`by ${printable(decidedBy)}`, room);
      const beside = width(what) + 1 + width(by) <= room;
      const who = byPerson ? colours.cyan(by) : by;
      const lines = [`${colours.dim(offset)} ◆ ${colours.bold(what)}${beside ? ` ${who}` : ""}`];
      const below = [
        ...(beside ? [] : [who]),
        ...(reason === "" ? [] : fewLines(printable(reason), room, FAILURE_LINES)),
      ];
      return [...lines, ...below.map((text) => " ".repeat(indent) + text)];
    }),
  ];
}

function failureSection({ failures }: Timeline, view: View): string[] {
  if (failures.length === 0) return [];
  return [view.colours.bold("What failed"), ...failures.flatMap((failure) => failureLines(failure, view))];
}

/** What failed, the id of the first such event, and why. */
function failureLines(failure: TimelineFailure, { columns, colours, start }: View): string[] {
  const { time, eventId, message } = failure;
  const offset = pad(`+${durationText(millisecondsBetween(start, microsOf(time)))}`, OFFSET_COLUMNS, "right");
  const indent = OFFSET_COLUMNS + 3;
  const type = cut(typeText(failure), columns - indent);
  const line = `${colours.dim(offset)} ${colours.red("✗")} ${type}`;
  const id = printable(eventId);
  const fits = indent + width(type) + 2 + width(id) <= columns;
  return [
    ...(fits ? [`${line}  ${colours.dim(id)}`] : [line, " ".repeat(indent) + colours.dim(cut(id, columns - indent))]),
    ...fewLines(printable(message), columns - indent, REASON_LINES).map((text) => " ".repeat(indent) + text),
  ];
}

function leftOut({ stepsLeftOut }: Timeline): string[] {
  return stepsLeftOut === 0 ? [] : [`${count(stepsLeftOut, "further step")} not shown.`];
}

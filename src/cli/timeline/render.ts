import type { Palette } from "../colour.ts";
import { cut, pad, printable, width, wrap } from "../text.ts";
import type { Burst } from "./bursts.ts";
import type { Course, PhaseCourse } from "./course.ts";
import { durationText, millisecondsBetween } from "./duration_text.ts";
import { join } from "./payload.ts";
import { REMEDIATION } from "./phases.ts";
import { failureLine, type Step } from "./step.ts";
import { movesText, summaryLines } from "./summary.ts";

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
/** With fewer than this, a step's type stands whole instead of in two columns. */
const COMPACT = 72;
const NARROWEST = 50;
const DETAIL_LINES = 2;
const FAILURE_LINES = 3;
const REASON_LINES = 6;

/** The course of a remediation for people: what it was about, its phases, its steps, and what failed. */
export function renderCourse(course: Course, { columns: available, colours }: RenderOptions): string {
  const columns = Math.max(available, NARROWEST);
  const view = { columns, colours };
  const steps = stepColumns(course, view);
  const sections = [
    [title(course, view), ...head(course, view)],
    phaseTable(course, view),
    ...course.phases.map((phase) => phaseSection(phase, course, steps, view)),
    failureSection(course, view),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function title({ correlationId, outcome, failed, phases }: Course, { colours }: RenderOptions): string {
  const name = colours.bold(printable(correlationId));
  if (outcome !== undefined) return `${name}  ${(failed ? colours.red : colours.green)(printable(outcome))}`;
  const phase = phases.at(-1)?.phase?.name;
  return `${name}  ${colours.yellow(phase === undefined ? "course unknown" : `goes on: ${printable(phase)}`)}`;
}

function head(course: Course, { columns, colours }: RenderOptions): string[] {
  return summaryLines(course).flatMap(({ label, text }) =>
    wrap(text, columns - LABEL_COLUMNS).map(
      (line, index) => colours.dim(pad(index === 0 ? label : "", LABEL_COLUMNS)) + line,
    ),
  );
}

/** One line a phase: when it began, how long it took, and a bar of its part of the whole. */
function phaseTable({ phases, startedAt, endedAt }: Course, { columns, colours }: RenderOptions): string[] {
  const named = phases.flatMap(({ phase, inner }) => (phase === undefined ? [] : [{ phase, inner }]));
  if (named.length === 0) return [];
  const nameColumns = Math.max(...named.map(({ phase }) => width(printable(phase.name))));
  const left = 2 + nameColumns + 2 + OFFSET_COLUMNS + 1 + DURATION_COLUMNS + 2;
  const barColumns = Math.min(50, columns - left);
  const total = millisecondsBetween(startedAt, endedAt);
  return [
    colours.bold("Phases"),
    ...named.flatMap(({ phase, inner }) => {
      const begin = millisecondsBetween(startedAt, phase.startedAt);
      const stay = phase.endedAt === undefined ? undefined : millisecondsBetween(phase.startedAt, phase.endedAt);
      const cells = [
        `  ${pad(printable(phase.name), nameColumns)}  ${pad(`+${durationText(begin)}`, OFFSET_COLUMNS, "right")}`,
        ` ${pad(stay === undefined ? "" : durationText(stay), DURATION_COLUMNS, "right")}  `,
        barColumns < 10 || stay === undefined ? "" : colours.cyan(bar(begin, stay, total, barColumns)),
      ];
      const moves = inner.flatMap(({ machine, moves }) =>
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

function phaseSection(
  { phase, bursts }: PhaseCourse,
  course: Course,
  columns: StepColumns,
  view: RenderOptions,
): string[] {
  const shown = bursts.filter(({ steps: [step] }) => !isHeading(step, phase?.eventId));
  if (shown.length === 0) return [];
  const name = phase === undefined ? "Steps" : printable(phase.name);
  const line = "─".repeat(Math.max(0, view.columns - width(name) - 4));
  return [
    view.colours.bold(`── ${name} ${line}`),
    ...shown.flatMap((burst) => burstLines(burst, course, columns, view)),
  ];
}

/** The transition into a phase is what its heading says. */
function isHeading({ eventId, move }: Step, phaseEventId: string | undefined): boolean {
  return move?.machine === REMEDIATION && eventId === phaseEventId;
}

/** Columns of the table of steps: as wide as what stands in them, within limits. No column for the actor: compact. */
interface StepColumns {
  readonly actor: number;
  readonly action: number;
}

function stepColumns({ phases }: Course, { columns }: RenderOptions): StepColumns {
  if (columns < COMPACT) return { actor: 0, action: columns - OFFSET_COLUMNS - 4 - DURATION_COLUMNS };
  const all = phases.flatMap(({ bursts }) => bursts.map(whoAndWhat));
  const fit = (texts: readonly string[], most: number) => Math.min(most, Math.max(...texts.map(width)));
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

function burstLines(burst: Burst, course: Course, { actor, action }: StepColumns, view: RenderOptions): string[] {
  const { columns, colours } = view;
  const [first] = burst.steps;
  const offset = pad(`+${durationText(millisecondsBetween(course.startedAt, first.at))}`, OFFSET_COLUMNS, "right");
  const took = pad(burst.durationMs === undefined ? "" : durationText(burst.durationMs), DURATION_COLUMNS, "right");
  const who = actor === 0 ? { actor: "", action: typeText(burst) } : whoAndWhat(burst);
  const isWide = columns >= WIDE;
  const indent = isWide ? OFFSET_COLUMNS + 5 + actor + action + DURATION_COLUMNS + 2 : OFFSET_COLUMNS + 3;
  const about = aboutLines(burst, course, columns - indent);
  const beside = isWide ? about[0] : undefined;
  const below = isWide ? about.slice(1) : about;
  const paint = first.failure === undefined ? (text: string) => text : colours.red;
  const ending = `${pad(cut(who.action, action), action)} ${colours.dim(took)}`;
  const line = [
    colours.dim(offset),
    mark(first, colours),
    ...(actor === 0 ? [] : [colours.cyan(pad(cut(who.actor, actor), actor))]),
    beside === undefined && burst.durationMs === undefined ? cut(who.action, action) : ending,
  ].join(" ");
  const whole = beside === undefined ? line : `${line}  ${paint(beside)}`;
  return [whole, ...below.map((text) => " ".repeat(indent) + paint(text))];
}

/** The service and the rest of the type. */
function whoAndWhat(burst: Burst): { actor: string; action: string } {
  const [{ eventType, actor, person }] = burst.steps;
  const dot = eventType.indexOf(".");
  const service = eventType.slice(0, dot);
  if (person === undefined && actor !== service) return { actor: printable(actor), action: typeText(burst) };
  return { actor: printable(service), action: typeText(burst).slice(dot + 1) };
}

/** The type, with how often it came. */
function typeText({ steps }: Burst): string {
  return printable(steps[0].eventType) + (steps.length > 1 ? ` ×${steps.length}` : "");
}

function mark({ outcome, failure }: Step, colours: Palette): string {
  if (outcome === "failure" || failure !== undefined) return colours.red("✗");
  return outcome === "pending" ? colours.yellow("…") : colours.green("✓");
}

/** Who said what about a step, in a few lines; nothing where there is no room for it. */
function aboutLines(burst: Burst, course: Course, columns: number): string[] {
  const { steps, detail } = burst;
  const [first] = steps;
  const last = steps.at(-1) ?? first;
  const until = durationText(millisecondsBetween(course.startedAt, last.at));
  const said = first.failure === undefined ? detail : failureLine(first.failure);
  const text = printable(join(": ", last.at === first.at ? undefined : `until +${until}`, first.person, said));
  if (text === "" || columns < 10) return [];
  return fewLines(text, columns, first.failure === undefined ? DETAIL_LINES : FAILURE_LINES);
}

/** Text in a number of lines at most, the last one cut where it is longer. */
function fewLines(text: string, columns: number, most: number): string[] {
  const lines = wrap(text, columns);
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), cut(`${lines[most - 1]} ${lines[most]}`, columns)];
}

function failureSection({ failures, startedAt }: Course, view: RenderOptions): string[] {
  if (failures.length === 0) return [];
  return [view.colours.bold("What failed"), ...failures.flatMap((burst) => failureLines(burst, startedAt, view))];
}

/** What failed, the id of the first such event, and why. */
function failureLines(burst: Burst, startedAt: bigint, { columns, colours }: RenderOptions): string[] {
  const [{ at, failure, eventId }] = burst.steps;
  const offset = pad(`+${durationText(millisecondsBetween(startedAt, at))}`, OFFSET_COLUMNS, "right");
  const indent = OFFSET_COLUMNS + 3;
  const type = cut(typeText(burst), columns - indent);
  const line = `${colours.dim(offset)} ${colours.red("✗")} ${type}`;
  const fits = indent + width(type) + 2 + eventId.length <= columns;
  const reason = failure === undefined ? "" : printable(failureLine(failure));
  return [
    ...(fits ? [`${line}  ${colours.dim(eventId)}`] : [line, " ".repeat(indent) + colours.dim(eventId)]),
    ...fewLines(reason, columns - indent, REASON_LINES).map((text) => " ".repeat(indent) + text),
  ];
}

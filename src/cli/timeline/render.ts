import type { Palette } from "../colour.ts";
import { cut, pad, printable, width, wrap } from "../text.ts";
import type { Burst } from "./bursts.ts";
import type { Course, PhaseCourse } from "./course.ts";
import { durationText, millisecondsBetween } from "./duration_text.ts";
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
const WIDE = 100;
const WIDEST = 130;
/** With fewer than this, a step's type stands whole and its actor in front of what is said about it. */
const COMPACT = 72;
const NARROWEST = 40;
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
    columns >= WIDEST ? 26 : 17,
  );
  const left = columns - OFFSET_COLUMNS - 5 - actor - DURATION_COLUMNS;
  const action = fit(
    all.map((one) => one.action),
    columns >= WIDEST ? 42 : columns >= WIDE ? 31 : left,
  );
  return { actor, action };
}

function burstLines(burst: Burst, course: Course, { actor, action }: StepColumns, view: RenderOptions): string[] {
  const { columns, colours } = view;
  const [first] = burst.steps;
  const offset = pad(`+${durationText(millisecondsBetween(course.startedAt, first.at))}`, OFFSET_COLUMNS, "right");
  const took = pad(burst.durationMs === undefined ? "" : durationText(burst.durationMs), DURATION_COLUMNS, "right");
  const who = actor === 0 ? typeAlone(burst) : whoAndWhat(burst);
  const actorCell = pad(cut(who.actor, actor), actor);
  const line = [
    colours.dim(offset),
    mark(first, colours),
    ...(actor === 0 ? [] : [first.person === undefined ? colours.cyan(actorCell) : colours.bold(actorCell)]),
    pad(cut(who.action, action), action),
    colours.dim(took),
  ].join(" ");
  const isWide = columns >= WIDE;
  const indent = isWide ? width(line) + 2 : OFFSET_COLUMNS + 3;
  const paint = first.failure === undefined ? (text: string) => text : colours.red;
  const person = actor === 0 && first.person !== undefined ? `${first.person}: ` : "";
  const about = aboutLines(burst, course, person, columns - indent).map(paint);
  const [beside, ...below] = isWide ? about : [undefined, ...about];
  const whole = beside === undefined ? line.trimEnd() : `${line}  ${beside}`;
  return [whole, ...below.map((text) => " ".repeat(indent) + text)];
}

/** The service and the rest of the type; for a person, who it was and the whole type. */
function whoAndWhat({ steps }: Burst): { actor: string; action: string } {
  const [{ eventType, actor, person }] = steps;
  const dot = eventType.indexOf(".");
  const service = eventType.slice(0, dot);
  const times = steps.length > 1 ? ` ×${steps.length}` : "";
  if (person !== undefined) return { actor: printable(person), action: printable(eventType) + times };
  const own = actor === service ? eventType.slice(dot + 1) : eventType;
  return { actor: printable(actor), action: printable(own) + times };
}

function typeAlone({ steps }: Burst): { actor: string; action: string } {
  return { actor: "", action: `${printable(steps[0].eventType)}${steps.length > 1 ? ` ×${steps.length}` : ""}` };
}

function mark({ outcome, failure }: Step, colours: Palette): string {
  if (outcome === "failure" || failure !== undefined) return colours.red("✗");
  return outcome === "pending" ? colours.yellow("…") : colours.green("✓");
}

/** What is said about a step, in a few lines; nothing where there is no room for it. */
function aboutLines(burst: Burst, course: Course, person: string, columns: number): string[] {
  const { steps, detail } = burst;
  const [first] = steps;
  const last = steps.at(-1) ?? first;
  const span =
    steps.length > 1 && last.at !== first.at
      ? `until +${durationText(millisecondsBetween(course.startedAt, last.at))}`
      : "";
  const said = first.failure === undefined ? detail : failureLine(first.failure);
  const text = printable(person + [span, said].filter((part) => part !== "").join(": "));
  if (text === "" || columns < 10) return [];
  return fewLines(text, columns, first.failure === undefined ? DETAIL_LINES : FAILURE_LINES);
}

/** Text in a number of lines at most, the last one cut where it is longer. */
function fewLines(text: string, columns: number, most: number): string[] {
  const lines = wrap(text, columns);
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), cut(`${lines[most - 1]} ${lines[most]}`, columns)];
}

function failureSection({ failures, startedAt }: Course, { columns, colours }: RenderOptions): string[] {
  if (failures.length === 0) return [];
  return [
    colours.bold("What failed"),
    ...failures.flatMap(({ steps }) => {
      const [first] = steps;
      const times = steps.length > 1 ? ` ×${steps.length}` : "";
      const offset = pad(`+${durationText(millisecondsBetween(startedAt, first.at))}`, OFFSET_COLUMNS, "right");
      const reason = first.failure === undefined ? "" : printable(failureLine(first.failure));
      return [
        `${colours.dim(offset)} ${colours.red("✗")} ${printable(first.eventType)}${times}  ${colours.dim(first.eventId)}`,
        ...fewLines(reason, columns - OFFSET_COLUMNS - 3, REASON_LINES).map(
          (line) => " ".repeat(OFFSET_COLUMNS + 3) + line,
        ),
      ];
    }),
  ];
}

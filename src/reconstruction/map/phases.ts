import { type FieldMap, isLater } from "../facts/field_map.ts";
import { asText, happened, member, told } from "../facts/told.ts";
import type { ParsedEvent } from "../trace.ts";

/** A phase entered, and the event that tells of it. */
interface Step {
  readonly event: ParsedEvent;
  readonly from: string;
  readonly to: string;
  readonly source: string;
}

const START_TIMES: Readonly<Record<string, string>> = {
  Processing: "status.processingStartTime",
  Analyzing: "status.analyzingStartTime",
  Executing: "status.executingStartTime",
};

/** status.startTime, overallPhase and the times of phases. */
export function mapPhases(events: readonly ParsedEvent[], fields: FieldMap): void {
  const steps: Step[] = [];
  for (const event of events) {
    if (event.type === "orchestrator.lifecycle.started") fields.put("status.startTime", happened(event));
    const step = stepOf(event);
    if (step !== undefined) steps.push(step);
  }
  let rank = 0;
  for (const { event, to, source } of inCourse(steps)) {
    // The place in the course counts: among events of one instant the chain's order may be another.
    fields.put("status.overallPhase", told(event, to, source), rank++);
    const path = Object.hasOwn(START_TIMES, to) ? START_TIMES[to] : undefined;
    if (path !== undefined) fields.put(path, happened(event));
  }
}

function stepOf(event: ParsedEvent): Step | undefined {
  const { payload } = event;
  if (payload.of !== "orchestrator") return undefined;
  const step = (from: string, to: string, source = "event_type") => ({ event, from, to, source });
  switch (event.type) {
    case "orchestrator.lifecycle.started":
    case "orchestrator.lifecycle.created":
      return step("", "Pending");
    case "orchestrator.lifecycle.transitioned": {
      const { fromPhase = "", toPhase } = payload.value;
      return toPhase ? step(fromPhase, toPhase, "event_data.to_phase") : undefined;
    }
    case "orchestrator.lifecycle.verifying_started":
      return step("Executing", "Verifying");
    case "orchestrator.lifecycle.completed":
      return payload.value.outcome === "Failed" ? step(END, "Failed", "event_data.outcome") : step(END, "Completed");
    case "orchestrator.lifecycle.failed":
      return step(END, "Failed");
    default:
      return undefined;
  }
}

/** Stands for any phase, after all others of its instant. */
const END = "*";

/**
 * Steps as they were taken: by time, and those of one instant by the graph of from → to, for a recorded instant may be a
 * whole second, and its events may have arrived in any order.
 */
function inCourse(steps: readonly Step[]): Step[] {
  const course: Step[] = [];
  for (const together of Map.groupBy(steps, ({ event }) => event.timestamp).values()) {
    course.push(...together.filter(({ from }) => from === ""));
    const moves = together.filter(({ from }) => from !== "" && from !== END);
    course.push(...movesInCourse(moves, course.at(-1)?.to ?? ""));
    course.push(...together.filter(({ from }) => from === END));
  }
  return course;
}

/** Each move after one that entered the phase that it leaves, where there is one; `phase`: the one before all. */
function movesInCourse(moves: readonly Step[], phase: string): Step[] {
  const leaving = Map.groupBy(moves, ({ from }) => from);
  const entering = new Map<string, number>();
  for (const { to } of moves) entering.set(to, (entering.get(to) ?? 0) + 1);
  const left = new Set(moves);
  const course: Step[] = [];
  for (let now = phase; left.size > 0; ) {
    const next = leaving.get(now)?.[0] ?? beginningOf(left, entering);
    // Whichever it is, it stands first among those that leave its phase.
    leaving.get(next.from)?.shift();
    entering.set(next.to, (entering.get(next.to) ?? 0) - 1);
    left.delete(next);
    course.push(next);
    now = next.to;
  }
  return course;
}

/** The first move out of a phase that nothing left enters; else the first. */
function beginningOf(left: ReadonlySet<Step>, entering: ReadonlyMap<string, number>): Step {
  for (const step of left) if (!entering.get(step.from)) return step;
  return left.values().next().value as Step;
}

/** How it ended: status.outcome, completedAt and what failed. */
export function mapEnd(event: ParsedEvent, fields: FieldMap): void {
  const { payload } = event;
  if (payload.of !== "orchestrator") return;
  const ended = event.type === "orchestrator.lifecycle.completed";
  if (!ended && event.type !== "orchestrator.lifecycle.failed") return;
  fields.put("status.completedAt", happened(event));
  const { outcome, crdOutcome, failurePhase, failureReason, errorDetails = {} } = payload.value;
  if (crdOutcome) fields.put("status.outcome", told(event, crdOutcome, "event_data.crd_outcome"), 1);
  else if (ended && outcome && outcome !== "Failed") {
    fields.put("status.outcome", told(event, outcome === "Success" ? "Remediated" : outcome, "event_data.outcome"));
  }
  if (ended && outcome !== "Failed") return;
  fields.put("status.failurePhase", told(event, failurePhase, "event_data.failure_phase"));
  const { code, message, component } = errorDetails;
  if (failureReason) fields.put("status.failureReason", told(event, failureReason, "event_data.failure_reason"), 1);
  else if (typeof message === "string") {
    fields.put("status.failureReason", told(event, message, "event_data.error_details.message"));
  }
  const texts = Object.entries({ code, component, message }).filter(([, value]) => typeof value === "string" && value);
  if (texts.length > 0) fields.put("status.error", told(event, Object.fromEntries(texts), "event_data.error_details"));
}

/** Why it is blocked: an empty text once it is not. */
export function mapBlock(event: ParsedEvent, fields: FieldMap): void {
  if (event.type === "orchestrator.routing.blocked") {
    fields.put("status.blockReason", asText(member(event, "reason")));
  }
  const known = fields.get("status.blockReason");
  if (known === undefined || event.type === "orchestrator.routing.blocked" || !isLater(event, known.event)) return;
  const left = event.payload.of === "orchestrator" && event.payload.value.fromPhase === "Blocked";
  if (left || event.type === "workflowexecution.block.cleared") {
    fields.put("status.blockReason", { value: "", event, source: "event_type" });
  }
}

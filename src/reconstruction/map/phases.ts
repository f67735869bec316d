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
    const left = [...together];
    while (left.length > 0) {
      const next = nextStep(left, course.at(-1)?.to ?? "");
      course.push(next);
      left.splice(left.indexOf(next), 1);
    }
  }
  return course;
}

function nextStep(left: readonly Step[], phase: string): Step {
  const open = left.filter(({ from }) => from === "");
  if (open.length > 0) return open[0] as Step;
  const moves = left.filter(({ from }) => from !== END);
  return (
    moves.find(({ from }) => from === phase) ??
    moves.find(({ from }) => !moves.some(({ to }) => to === from)) ??
    moves[0] ??
    (left[0] as Step)
  );
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

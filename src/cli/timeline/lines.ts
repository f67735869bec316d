import type {
  TimelineGap,
  TimelinePhase,
  TimelineStep,
} from "../../../gen/ts/kubernaut/reconstruction/v1/timeline_pb.ts";
import { microsOf } from "./clock.ts";

/** A line of a phase: a step, or a stretch without any. */
export type Line =
  | { readonly step: TimelineStep; readonly gap?: undefined }
  | { readonly gap: TimelineGap; readonly step?: undefined };

/** The steps of a phase with the gaps between them, without the step that its heading tells. */
export function linesOf(phase: TimelinePhase, gaps: readonly TimelineGap[]): Line[] {
  const lines: Line[] = [];
  const within = gapsWithin(phase, gaps);
  for (const step of phase.steps) {
    if (isHeading(step, phase)) continue;
    const at = microsOf(step.time);
    for (let gap = within[0]; gap !== undefined && microsOf(gap.endTime) <= at; gap = within[0]) {
      lines.push({ gap });
      within.shift();
    }
    lines.push({ step });
  }
  // A phase that nothing is told of but that it was entered has no lines.
  return lines.length === 0 ? [] : [...lines, ...within.map((gap) => ({ gap }))];
}

/** The gaps that begin in a stay in a phase. */
function gapsWithin({ name, startTime, endTime }: TimelinePhase, gaps: readonly TimelineGap[]): TimelineGap[] {
  const from = microsOf(startTime);
  return gaps.filter((gap) => {
    const begin = microsOf(gap.startTime);
    return gap.phase === name && begin >= from && (endTime === undefined || begin < microsOf(endTime));
  });
}

/** The transition into a phase is what its heading says. */
function isHeading({ eventId, eventType }: TimelineStep, phase: TimelinePhase): boolean {
  return eventType === "orchestrator.lifecycle.transitioned" && eventId === phase.eventId;
}

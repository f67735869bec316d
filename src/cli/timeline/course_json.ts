import type { Burst } from "./bursts.ts";
import type { Course, PhaseCourse } from "./course.ts";
import { millisecondsBetween } from "./duration_text.ts";
import type { MoveStep } from "./phases.ts";
import type { Step } from "./step.ts";

/** The course as `timeline --json` prints it: names in snake_case, times in RFC 3339 with microseconds, spans in milliseconds. */
export function courseJson(course: Course): unknown {
  const { facts, startedAt, endedAt, ai } = course;
  return {
    correlation_id: course.correlationId,
    outcome: course.outcome ?? null,
    failed: course.failed,
    phase: course.phases.at(-1)?.phase?.name ?? null,
    signal: {
      name: facts.signalName,
      type: facts.signalType,
      severity: facts.severity,
      fingerprint: facts.fingerprint,
      occurrences: facts.occurrences,
    },
    target: facts.target,
    cluster_name: facts.cluster,
    workflow: facts.workflow,
    confidence: facts.confidence,
    root_cause: facts.rootCause,
    started_at: rfc3339(startedAt),
    ended_at: rfc3339(endedAt),
    duration_ms: millisecondsBetween(startedAt, endedAt),
    events: course.steps.length,
    failures: course.steps.filter(({ failure }) => failure !== undefined).length,
    phases: course.phases.flatMap((one) => (one.phase === undefined ? [] : [phaseJson(one, course)])),
    steps: course.phases.flatMap(({ phase, bursts }) => bursts.map((burst) => burstJson(burst, phase?.name, course))),
    ai: ai && {
      models: ai.models,
      requests: ai.requests,
      responses: ai.responses,
      tokens: ai.tokens,
      tool_calls: Object.fromEntries(
        [...new Set(ai.tools)].map((name) => [name, ai.tools.filter((one) => one === name).length]),
      ),
      shadow_checks: ai.shadowChecks,
      shadow_tokens: ai.shadowTokens,
    },
    people: course.people.map(({ person, step }) => ({
      person,
      event_id: step.eventId,
      event_type: step.eventType,
      at: rfc3339(step.at),
      decision: step.facts.decision,
    })),
  };
}

function phaseJson({ phase, inner }: PhaseCourse, { startedAt }: Course): unknown {
  if (phase === undefined) return undefined;
  return {
    name: phase.name,
    started_at: rfc3339(phase.startedAt),
    offset_ms: millisecondsBetween(startedAt, phase.startedAt),
    ended_at: phase.endedAt === undefined ? null : rfc3339(phase.endedAt),
    duration_ms: phase.endedAt === undefined ? null : millisecondsBetween(phase.startedAt, phase.endedAt),
    event_id: phase.eventId ?? null,
    inner: inner.map(({ machine, moves }) => ({ of: machine, phases: moves.map(moveJson) })),
  };
}

function moveJson({ move, at, eventId }: MoveStep): unknown {
  return { from: move.from, to: move.to, at: rfc3339(at), event_id: eventId };
}

function burstJson({ steps, detail, durationMs }: Burst, phase: string | undefined, course: Course): unknown {
  const [first] = steps;
  const last: Step = steps.at(-1) ?? first;
  return {
    offset_ms: millisecondsBetween(course.startedAt, first.at),
    at: rfc3339(first.at),
    ...(steps.length > 1 && { last_at: rfc3339(last.at) }),
    phase: phase ?? null,
    event_type: first.eventType,
    outcome: first.outcome,
    actor: first.actor,
    ...(first.person !== undefined && { person: first.person }),
    ...(durationMs !== undefined && { duration_ms: durationMs }),
    ...(detail !== "" && { detail }),
    ...(first.failure && { failure: first.failure }),
    count: steps.length,
    event_ids: steps.map(({ eventId }) => eventId),
  };
}

function rfc3339(micros: bigint): string {
  const text = new Date(Number(micros / 1000n)).toISOString();
  return `${text.slice(0, -1)}${String(micros % 1000n).padStart(3, "0")}Z`;
}

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Timeline,
  type TimelineAiWorkSchema,
  type TimelinePhaseSchema,
  TimelineSchema,
  type TimelineSignalsSchema,
  type TimelineStepSchema,
} from "../../../gen/ts/kubernaut/reconstruction/v1/timeline_pb.ts";
import type { AiWork } from "./ai_work.ts";
import type { Burst } from "./bursts.ts";
import { type Course, courseOf, type PhaseCourse } from "./course.ts";
import type { TimelineEvent } from "./event.ts";
import { keepWithin } from "./kept.ts";
import { cutTo } from "./payload.ts";
import type { MoveStep } from "./phases.ts";
import { failureLine, type Step, toStep } from "./step.ts";
import { toDuration, toTimestamp } from "./time.ts";

/** How a timeline is told. */
export interface TimelineOptions {
  /** Show each event by itself instead of joining those of a kind. */
  readonly expand: boolean;
}

const LONGEST_SUMMARY = 300;
const LONGEST_TEXT = 1000;
const LONGEST_NAME = 253;
/** Entries of each list besides the steps. */
const MOST_ENTRIES = 500;
const MOST_NAMES = 100;
const LARGEST_INT32 = 2 ** 31 - 1;
/** 10,000 years in milliseconds, the bound of google.protobuf.Duration. */
const LONGEST_MS = 315_576_000_000_000;

/**
 * Tells the course of a remediation from its events, in whatever order they come: the same events give the same message.
 * There MUST be at least one. No payload makes it fail, whatever its shape and length.
 */
export function timelineOf(
  correlationId: string,
  events: Iterable<TimelineEvent>,
  { expand }: TimelineOptions,
): Timeline {
  const course = courseOf(correlationId, Array.from(events, toStep), { expand });
  const { facts, steps } = course;
  const kept = keepWithin(course);
  return create(TimelineSchema, {
    correlationId,
    signalName: name(facts.signalName),
    signalType: name(facts.signalType),
    severity: name(facts.severity),
    target: text(facts.target),
    clusterName: text(facts.cluster),
    rootCause: text(facts.rootCause),
    workflow: text(facts.workflow),
    ...(facts.confidence !== undefined && { confidence: facts.confidence }),
    outcome: name(course.outcome),
    failed: course.failed,
    startTime: toTimestamp(course.startedAt),
    endTime: toTimestamp(course.endedAt),
    phases: course.phases.map((phase) => toPhase(phase, kept.bursts)),
    decisions: course.decisions.slice(0, MOST_ENTRIES).map(({ step, decided }) => ({
      ...momentOf(step),
      decision: name(decided.what),
      decidedBy: name(decided.by),
      byPerson: decided.byPerson,
      reason: text(decided.why),
    })),
    ...signalsOf(course),
    ...(course.ai !== undefined && { aiWork: toAiWork(course.ai) }),
    failures: course.failures.slice(0, MOST_ENTRIES).map(({ steps }) => ({
      ...momentOf(steps[0]),
      message: text(steps[0].failure && failureLine(steps[0].failure)),
      count: steps.length,
    })),
    gaps: course.gaps.map(({ from, to, phase }) => ({ startTime: toTimestamp(from), endTime: toTimestamp(to), phase })),
    eventCount: steps.length,
    failureCount: steps.filter(({ failure }) => failure !== undefined).length,
    stepsLeftOut: kept.leftOut,
  });
}

function toPhase(
  { phase, bursts, inner, startedAt }: PhaseCourse,
  kept: ReadonlySet<Burst>,
): MessageInitShape<typeof TimelinePhaseSchema> {
  const endedAt = phase?.endedAt;
  return {
    name: phase?.name ?? "",
    startTime: toTimestamp(startedAt),
    ...(endedAt !== undefined && { endTime: toTimestamp(endedAt), duration: toDuration(endedAt - startedAt) }),
    eventId: phase?.eventId ?? "",
    steps: bursts.filter((burst) => kept.has(burst)).map(toStepMessage),
    inner: inner.map(({ machine, moves }) => ({ machine, moves: moves.map(toMove) })),
  };
}

function toMove({ move, at, eventId }: MoveStep): {
  from: string;
  to: string;
  time: ReturnType<typeof toTimestamp>;
  eventId: string;
} {
  return { from: move.from, to: move.to, time: toTimestamp(at), eventId };
}

function toStepMessage({ steps, detail, durationMs }: Burst): MessageInitShape<typeof TimelineStepSchema> {
  const [first] = steps;
  const last = steps.at(-1) ?? first;
  return {
    ...momentOf(first),
    ...(steps.length > 1 && { lastTime: toTimestamp(last.at) }),
    summary: cutTo(first.failure === undefined ? detail : failureLine(first.failure), LONGEST_SUMMARY),
    actor: name(first.person ?? first.actor),
    byPerson: first.person !== undefined,
    count: steps.length,
    outcome: first.outcome,
    chainPosition: first.position,
    ...(durationMs !== undefined && { duration: toDuration(microsOfMs(durationMs)) }),
  };
}

function momentOf({ at, eventType, eventId }: Step): {
  time: ReturnType<typeof toTimestamp>;
  eventType: string;
  eventId: string;
} {
  return { time: toTimestamp(at), eventType, eventId };
}

function signalsOf({ steps, facts }: Course): { signals?: MessageInitShape<typeof TimelineSignalsSchema> } {
  const signals = steps.filter(({ eventType }) => eventType.startsWith("gateway.signal."));
  const [first] = signals;
  const last = signals.at(-1);
  if (first === undefined || last === undefined) return {};
  const count = whole(facts.occurrences ?? signals.length, LARGEST_INT32);
  return { signals: { count, firstTime: toTimestamp(first.at), lastTime: toTimestamp(last.at) } };
}

function toAiWork(ai: AiWork): MessageInitShape<typeof TimelineAiWorkSchema> {
  return {
    requests: ai.requests,
    responses: ai.responses,
    tokens: BigInt(whole(ai.tokens, Number.MAX_SAFE_INTEGER)),
    models: ai.models.slice(0, MOST_NAMES).map(name),
    toolCalls: ai.toolCalls,
    tools: ai.tools.slice(0, MOST_NAMES).map(([tool, calls]) => ({ name: name(tool), calls })),
    shadowChecks: ai.shadowChecks,
    shadowTokens: BigInt(whole(ai.shadowTokens, Number.MAX_SAFE_INTEGER)),
  };
}

/** Payloads may hold any number where a count is expected. */
function whole(number: number, most: number): number {
  return Math.min(Math.max(Math.trunc(number), 0), most);
}

function microsOfMs(milliseconds: number): bigint {
  return BigInt(Math.round(Math.min(Math.max(milliseconds, 0), LONGEST_MS) * 1000));
}

function name(value = ""): string {
  return cutTo(value, LONGEST_NAME);
}

function text(value = ""): string {
  return cutTo(value, LONGEST_TEXT);
}

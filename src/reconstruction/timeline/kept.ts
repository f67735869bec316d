import type { Burst } from "./bursts.ts";
import type { Course } from "./course.ts";
import { REMEDIATION } from "./phases.ts";

/** Steps of a timeline at most. */
const MOST_STEPS = 2000;

/** Which lines of a course are told, and how many are not. */
export interface Kept {
  readonly bursts: ReadonlySet<Burst>;
  readonly leftOut: number;
}

/**
 * Chooses 2,000 lines at most of a course: changes of its phase, decisions, failures and what people did first, then the others,
 * the earliest first.
 */
export function keepWithin({ phases }: Pick<Course, "phases">, most = MOST_STEPS): Kept {
  const all = phases.flatMap(({ bursts }) => bursts);
  const ofNote = all.filter(isOfNote);
  const others = all.filter((burst) => !isOfNote(burst));
  const bursts = new Set([...ofNote.slice(0, most), ...others.slice(0, Math.max(0, most - ofNote.length))]);
  return { bursts, leftOut: all.length - bursts.size };
}

function isOfNote({ steps: [{ failure, move, decided, person }] }: Burst): boolean {
  return failure !== undefined || decided !== undefined || person !== undefined || move?.machine === REMEDIATION;
}

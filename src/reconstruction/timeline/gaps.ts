import type { Phase } from "./phases.ts";
import type { Step } from "./step.ts";

/** A stretch without events. */
export interface Gap {
  /** Time of the event before it. */
  readonly from: bigint;
  /** Time of the event after it. */
  readonly to: bigint;
  /** Name of the phase that it lies in; empty where no phases are told. */
  readonly phase: string;
}

/** A pause of half a minute is none in any remediation. */
const SHORTEST = 30_000_000n;
/** How many times the usual distance between an event and the next makes a gap. */
const TIMES_THE_MEDIAN = 10n;
const MOST_GAPS = 100;

/**
 * The stretches without any event that are long for this remediation: longer than 30 seconds and than ten times the median
 * distance between an event and the next. Only between the first event and the end; of more than 100 the longest, in the order
 * of time. `steps` are in the order of time.
 */
export function gapsOf(steps: readonly Step[], phases: readonly Phase[], endedAt: bigint): Gap[] {
  const times = steps.map(({ at }) => at).filter((at) => at <= endedAt);
  const distances = times.slice(1).map((at, index) => at - (times[index] as bigint));
  const sorted = [...distances].sort(byNumber);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0n;
  const least = median * TIMES_THE_MEDIAN > SHORTEST ? median * TIMES_THE_MEDIAN : SHORTEST;
  return distances
    .map((distance, index) => ({ distance, from: times[index] as bigint }))
    .filter(({ distance }) => distance > least)
    .sort((a, b) => byNumber(b.distance, a.distance))
    .slice(0, MOST_GAPS)
    .sort((a, b) => byNumber(a.from, b.from))
    .map(({ distance, from }) => ({
      from,
      to: from + distance,
      phase: phases.findLast(({ startedAt }) => startedAt <= from)?.name ?? "",
    }));
}

function byNumber(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

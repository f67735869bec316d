/** Places times on a line from 0 to 1. */
export interface Scale {
  readonly start: bigint;
  readonly end: bigint;
  /** Where a time stands; what lies outside is put at the nearer end. */
  at(micros: bigint): number;
  /** Marks of the axis: round spans since the start. */
  readonly ticks: readonly Tick[];
}

export interface Tick {
  readonly at: number;
  /** Milliseconds since the start. */
  readonly milliseconds: number;
}

const MOST_TICKS = 6;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Distances that people count in. */
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((days) => days * DAY),
];

/** A scale from one time to another, in microseconds since 1970. */
export function scaleOf(start: bigint, end: bigint): Scale {
  const span = Number(end - start);
  const milliseconds = span / 1000;
  const step = STEPS.find((one) => milliseconds / one < MOST_TICKS) ?? milliseconds / MOST_TICKS;
  const ticks: Tick[] = [];
  for (let at = 0; span > 0 && at <= milliseconds; at += step) ticks.push({ at: at / milliseconds, milliseconds: at });
  return {
    start,
    end,
    ticks,
    at: (micros) => (span <= 0 ? 0 : Math.min(Math.max(Number(micros - start) / span, 0), 1)),
  };
}

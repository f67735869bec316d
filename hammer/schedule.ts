import { Random } from "./random.ts";

/** What a schedule needs to know of a fault. */
export interface Kind {
  readonly kind: string;
  readonly target: string;
}

/** One fault of a schedule. */
export interface Entry<K extends Kind> {
  /** 1, 2, 3 … */
  readonly number: number;
  readonly fault: K;
  /** Not before this time since the begin, in milliseconds. */
  readonly atMs: number;
  readonly ms: number;
  /** Seeds what the fault draws itself. */
  readonly seed: number;
  /** Whether it begins while the one before is still going on. */
  readonly overlaps: boolean;
}

export interface ScheduleOptions<K extends Kind> {
  readonly seed: number;
  /** Faults are drawn in turn from these groups, from each all before one comes again. A group may stand here twice. */
  readonly groups: readonly (readonly K[])[];
  /** How many begin in a minute. */
  readonly perMinute: number;
  /** Bounds of how long one lasts, in milliseconds; short ones are more likely. */
  readonly shortestMs: number;
  readonly longestMs: number;
}

/** How much likelier short faults are than long ones. */
const SHORTNESS = 2.5;
const OVERLAP = 1 / 6;

/** An endless schedule. The same options give the same faults in the same order, with the same parameters. */
export function* schedule<K extends Kind>(options: ScheduleOptions<K>): Generator<Entry<K>, never> {
  const { groups, perMinute, shortestMs, longestMs } = options;
  const random = new Random(options.seed);
  const decks = new Map(groups.map((kinds) => [kinds, deck(kinds, random)]));
  const gapMs = 60_000 / perMinute;
  let before: K | undefined;
  for (let number = 1; ; number++) {
    const group = groups[(number - 1) % groups.length];
    const fault = group === undefined ? undefined : decks.get(group)?.next().value;
    if (fault === undefined) throw new Error("a schedule needs faults");
    const ms = shortestMs + (longestMs - shortestMs) * random.fraction() ** SHORTNESS;
    const atMs = (number - random.fraction() / 2) * gapMs;
    const overlaps = random.chance(OVERLAP) && before !== undefined && canOverlap(before, fault);
    yield { number, fault, atMs: Math.round(atMs), ms: Math.round(ms), seed: random.bits(), overlaps };
    before = overlaps ? undefined : fault;
  }
}

function canOverlap(one: Kind, other: Kind): boolean {
  return one.target !== other.target && one.target !== "everything" && other.target !== "everything";
}

function* deck<K>(kinds: readonly K[], random: Random): Generator<K, never> {
  for (;;) yield* random.shuffled(kinds);
}

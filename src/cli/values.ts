import type { TimestampParts } from "../audit/timestamp.ts";
import { parseDuration } from "../config/kinds.ts";
import type { Given } from "./command.ts";
import { UsageError } from "./exit_code.ts";

/** A flag that holds a whole number. @throws UsageError for anything else and outside of the bounds. */
export function numberOf(given: Given, name: string, least: number, most: number): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${name} must be a whole number from ${least} to ${most}, and not ${JSON.stringify(text)}`);
}

/** A flag that holds a span of time, in milliseconds. @throws UsageError for anything else. */
export function durationOf(given: Given, name: string, least = 0): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const value = parseDuration(text);
  if (value !== undefined && value >= least && value <= LONGEST_DURATION_MS) return value;
  const bounds = least > 0 ? `, from ${least}ms to 24h` : " of at most 24h";
  throw new UsageError(
    `--${name} must be a duration such as 500ms, 30s or 2m${bounds}, and not ${JSON.stringify(text)}`,
  );
}

const LONGEST_DURATION_MS = 24 * 3_600_000;

/** A flag that holds one of a list of words. @throws UsageError for any other. */
export function wordOf<const Word extends string>(
  given: Given,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  throw new UsageError(`--${name} must be one of ${words.join(", ")}, and not ${JSON.stringify(text)}`);
}

const TIME = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/;

/**
 * A point in time in RFC 3339, and in the forms in which databases print it: a space for the `T`, an offset of hours alone.
 * A day alone means its beginning. Undefined for anything else: days that no calendar has, times without an offset.
 */
export function parseTime(text: string): TimestampParts | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, date = "", time = "00:00:00", fraction = "", zone = text.length === 10 ? "Z" : undefined] = match;
  if (zone === undefined) return undefined;
  const milliseconds = Date.parse(`${date}T${time}Z`);
  // Date.parse takes the 30th of February for the 1st of March.
  if (Number.isNaN(milliseconds) || !new Date(milliseconds).toISOString().startsWith(`${date}T${time}`))
    return undefined;
  const offset = offsetSeconds(zone);
  if (offset === undefined) return undefined;
  return { seconds: BigInt(milliseconds / 1000 - offset), nanos: Number(fraction.padEnd(9, "0")) };
}

function offsetSeconds(zone: string): number | undefined {
  if (zone === "Z" || zone === "z") return 0;
  const [, sign, hours = "", minutes = "00"] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
}

const AGE = /^(\d{1,6})(s|m|h|d)$/;
const AGE_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A flag that holds a point in time, or how long ago it was (`90s`, `2h`, `7d`). @throws UsageError for anything else. */
export function timeOf(given: Given, name: string, now: Date): TimestampParts | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const [, amount, unit = ""] = AGE.exec(text) ?? [];
  if (amount !== undefined) {
    const seconds = Math.floor(now.getTime() / 1000) - Number(amount) * (AGE_SECONDS[unit] ?? 0);
    return { seconds: BigInt(seconds), nanos: 0 };
  }
  const time = parseTime(text);
  if (time !== undefined) return time;
  throw new UsageError(
    `--${name} must be a time such as 2026-05-13T21:24:03Z, a day such as 2026-05-13, or an age such as 90s, 2h or 7d, ` +
      `and not ${JSON.stringify(text)}`,
  );
}

/** Seconds since 1970 and nanoseconds, as google.protobuf.Timestamp has them. */
export interface TimestampParts {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the bounds of google.protobuf.Timestamp. */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;

export function isInRange(timestamp: TimestampParts): boolean {
  return (
    timestamp.seconds >= FIRST_SECOND &&
    timestamp.seconds <= LAST_SECOND &&
    timestamp.nanos >= 0 &&
    timestamp.nanos <= 999_999_999
  );
}

let lastSecond = 0n;
let lastText = "1970-01-01T00:00:00";

/** RFC 3339 in UTC with six digits: `2026-05-13T21:24:03.123456Z`. Digits below the microsecond are cut off. */
export function timestampText(timestamp: TimestampParts): string {
  // Neighbouring events share their second more often than not.
  if (timestamp.seconds !== lastSecond) {
    lastText = new Date(Number(timestamp.seconds) * 1000).toISOString().slice(0, 19);
    lastSecond = timestamp.seconds;
  }
  const micros = Math.trunc(timestamp.nanos / 1000);
  return `${lastText}.${String(micros).padStart(6, "0")}Z`;
}

const TEXT = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:Z|\+00(?::00)?)$/;

/** Reads the text of timestampText, and a timestamptz as PostgreSQL writes it with TimeZone UTC and DateStyle ISO. */
export function parseTimestamp(text: string): TimestampParts {
  const match = TEXT.exec(text);
  if (match === null) throw new Error(`not a UTC timestamp: ${text}`);
  const [, year, month, day, hour, minute, second, fraction = ""] = match;
  // Date.UTC reads years below 100 as 19xx; a date given as text is taken as it stands.
  const milliseconds = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return { seconds: BigInt(milliseconds / 1000), nanos: Number(fraction.padEnd(6, "0")) * 1000 };
}

/** A time as parseTimestamp reads it, as timestampText writes it; its digits are taken as they stand. */
export function instantText(text: string): string {
  const match = TEXT.exec(text);
  if (match === null) throw new Error(`not a UTC timestamp: ${text}`);
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${(match[7] ?? "").padEnd(6, "0")}Z`;
}

/** The clock's time as RFC 3339 with six digits. `epochMicros`: microseconds since 1970. */
export function microsText(epochMicros: number): string {
  const seconds = Math.floor(epochMicros / 1e6);
  return timestampText({ seconds: BigInt(seconds), nanos: Math.trunc(epochMicros - seconds * 1e6) * 1000 });
}

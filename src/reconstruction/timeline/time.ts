import { create } from "@bufbuild/protobuf";
import { type Duration, DurationSchema, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { parseTimestamp } from "../../audit/timestamp.ts";

/** Microseconds since 1970 of a time in RFC 3339, UTC. */
export function microsOf(text: string): bigint {
  const { seconds, nanos } = parseTimestamp(text);
  return seconds * 1_000_000n + BigInt(nanos / 1000);
}

/** Microseconds since 1970 as a message. */
export function toTimestamp(micros: bigint): Timestamp {
  const seconds = floorDivide(micros, 1_000_000n);
  return create(TimestampSchema, { seconds, nanos: Number(micros - seconds * 1_000_000n) * 1000 });
}

/** Microseconds as a message; one second's sign is that of its fraction, as google.protobuf.Duration asks. */
export function toDuration(micros: bigint): Duration {
  return create(DurationSchema, { seconds: micros / 1_000_000n, nanos: Number(micros % 1_000_000n) * 1000 });
}

/** The greatest whole number that is not above the quotient: what is before 1970 has a negative number of seconds. */
function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";

/** Microseconds since 1970; a time that is not told counts as 1970. */
export function microsOf(time: Timestamp | undefined): bigint {
  return time === undefined ? 0n : time.seconds * 1_000_000n + BigInt(Math.trunc(time.nanos / 1000));
}

/** Milliseconds of a span; undefined where none is told. */
export function spanOf(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

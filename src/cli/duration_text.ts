/** Milliseconds between two times in microseconds. */
export function millisecondsBetween(from: bigint, to: bigint): number {
  return Number(to - from) / 1000;
}

/** A span of time in at most two units: `0ms`, `140ms`, `3.3s`, `6m34s`, `1h02m`, `2d03h`. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 0) return `-${durationText(-milliseconds)}`;
  if (milliseconds < 999.5) return `${Math.round(milliseconds)}ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)}s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 3600) return twoUnits(seconds, 60, "m", 1, "s");
  if (seconds < 86_400) return twoUnits(seconds, 3600, "h", 60, "m");
  return twoUnits(seconds, 86_400, "d", 3600, "h");
}

function twoUnits(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${largeName}${String(rest).padStart(2, "0")}${smallName}`;
}

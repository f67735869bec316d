/**
 * Milliseconds to wait after the failure with this number, counted from 1: `first`, doubled with each, at most `longest`,
 * and varied by a quarter, so that those who failed together do not come again together.
 */
export function backoffMs(
  failures: number,
  first: number,
  longest: number,
  random: () => number = Math.random,
): number {
  return Math.min(longest, first * 2 ** Math.min(failures - 1, 30)) * (0.75 + random() / 2);
}

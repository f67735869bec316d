/** A perfect subtree: the 2^level leaves from index × 2^level on. */
export interface Subtree {
  /** log2 of its leaves. */
  readonly level: number;
  readonly index: number;
}

/**
 * The fewest perfect subtrees that cover the leaves from `first` up to, not including, `end`, left to right: as many as the
 * binary digits of the two ends ask for. From 0 on they are the ones a compact range holds.
 *
 * @throws RangeError unless 0 ≤ first ≤ end < 2^53.
 */
export function alignedSubtrees(first: number, end: number): Subtree[] {
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(end) || first < 0 || first > end) {
    throw new RangeError(`no range of leaves: from ${first} up to ${end}`);
  }
  const subtrees: Subtree[] = [];
  let next = first;
  while (next < end) {
    let level = 0;
    let width = 1;
    while (next % (2 * width) === 0 && next + 2 * width <= end) {
      width *= 2;
      level += 1;
    }
    subtrees.push({ level, index: next / width });
    next += width;
  }
  return subtrees;
}

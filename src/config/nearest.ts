/**
 * The candidate that takes the fewest single-letter changes to become `name` (Levenshtein distance), or undefined when
 * even that one differs in more than a third of its letters: a far-fetched suggestion misleads.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const [best] = candidates
    .filter((candidate) => Math.abs(candidate.length - name.length) <= candidate.length / 3)
    .map((candidate) => ({ candidate, distance: distance(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= candidate.length / 3)
    .sort((a, b) => a.distance - b.distance);
  return best?.candidate;
}

function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = row[column]! + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, row[column + 1]! + 1, next[column]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}

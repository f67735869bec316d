/** How often each name comes, the most frequent first; of equally frequent ones, the one that came first. */
export function frequencies(names: readonly string[]): (readonly [name: string, times: number])[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

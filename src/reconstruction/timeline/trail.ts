/** A change from one phase to another at a time. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly at: bigint;
}

/**
 * Puts changes of phase in the order in which they happened: such that each leaves the phase that the one before entered.
 * Timestamps alone do not tell: of changes within one second, the later may be stamped or arrive first. Of several orders
 * that fit, the one nearest to that of time is taken; of changes that were told twice, one is kept.
 *
 * `edges` are in the order of time. Where no order fits (an event is missing), pieces that do are put one after the other.
 */
export function orderTrail<T extends Edge>(edges: readonly T[]): T[] {
  const told = findTrail(edges) ?? findTrail(withoutRepeats(edges));
  return told ?? piecewise(edges);
}

/**
 * An order that uses every edge, each leaving where the last one entered (an Euler trail, by Hierholzer's algorithm);
 * undefined when there is none. Where several edges leave a phase, the earliest goes first unless it would lead astray.
 */
function findTrail<T extends Edge>(edges: readonly T[]): T[] | undefined {
  const start = startOf(edges);
  if (start === undefined) return undefined;
  const leaving = Map.groupBy(edges, ({ from }) => from);
  const under: { readonly phase: string; readonly by?: T }[] = [{ phase: start }];
  const trail: T[] = [];
  for (let last = under.at(-1); last !== undefined; last = under.at(-1)) {
    const next = leaving.get(last.phase)?.shift();
    if (next !== undefined) under.push({ phase: next.to, by: next });
    else {
      under.pop();
      if (last.by !== undefined) trail.push(last.by);
    }
  }
  return trail.length === edges.length ? trail.reverse() : undefined;
}

/** The phase that is left once more than it is entered; in a circle, the one that was left first. */
function startOf<T extends Edge>(edges: readonly T[]): string | undefined {
  const surplus = new Map<string, number>();
  for (const { from, to } of edges) {
    surplus.set(from, (surplus.get(from) ?? 0) + 1);
    surplus.set(to, (surplus.get(to) ?? 0) - 1);
  }
  const uneven = [...surplus].filter(([, number]) => number !== 0);
  if (uneven.length === 0) return edges[0]?.from;
  return uneven.length === 2 ? uneven.find(([, number]) => number === 1)?.[0] : undefined;
}

function withoutRepeats<T extends Edge>(edges: readonly T[]): T[] {
  return edges.filter(
    (edge, index) => edges.findIndex((other) => other.from === edge.from && other.to === edge.to) === index,
  );
}

function piecewise<T extends Edge>(edges: readonly T[]): T[] {
  const left = [...edges];
  const ordered: T[] = [];
  while (left.length > 0) {
    const at = ordered.at(-1)?.to;
    const next = left.findIndex(({ from }) => from === at);
    ordered.push(...left.splice(next >= 0 ? next : beginningOf(left), 1));
  }
  return ordered;
}

/** A new piece begins with the first phase that nothing left enters. */
function beginningOf(edges: readonly Edge[]): number {
  const entered = new Set(edges.map(({ to }) => to));
  return Math.max(
    edges.findIndex(({ from }) => !entered.has(from)),
    0,
  );
}

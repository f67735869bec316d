/** A change from one phase to another at a time. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly at: bigint;
}

/** Tries before a search for the order is given up; real remediations need a few dozen. */
const MOST_TRIES = 10_000;

/**
 * Puts changes of phase in the order in which they happened: such that each leaves the phase that the one before entered.
 * Timestamps alone do not tell: of changes within one second, the later may be stamped or arrive first. Of several orders
 * that fit, the one nearest to that of time is taken; of changes that were told twice, one is kept.
 *
 * `edges` are in the order of time. Where no order fits (an event is missing), as long as possible pieces are put one after
 * the other.
 */
export function orderTrail<T extends Edge>(edges: readonly T[]): T[] {
  const told = findTrail(edges) ?? findTrail(withoutRepeats(edges));
  return told ?? piecewise(edges);
}

/** An order that uses every edge, each leaving where the last one entered (an Euler trail); undefined when there is none. */
function findTrail<T extends Edge>(edges: readonly T[]): T[] | undefined {
  let tries = 0;
  const used = new Set<T>();
  const trail: T[] = [];
  const extend = (from: string | undefined): boolean => {
    if (trail.length === edges.length) return true;
    for (const edge of edges) {
      if (used.has(edge) || (from !== undefined && edge.from !== from)) continue;
      tries += 1;
      if (tries > MOST_TRIES) return false;
      used.add(edge);
      trail.push(edge);
      if (extend(edge.to)) return true;
      used.delete(edge);
      trail.pop();
    }
    return false;
  };
  return edges.length <= MOST_SEARCHED && extend(undefined) ? trail : undefined;
}

/** The search is as deep as there are edges. */
const MOST_SEARCHED = 500;

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
    // A new piece begins with a phase that nothing left enters.
    const start = left.findIndex(({ from }) => !left.some(({ to }) => to === from));
    ordered.push(...left.splice(next >= 0 ? next : Math.max(start, 0), 1));
  }
  return ordered;
}

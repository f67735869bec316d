import { Found } from "./finding.ts";
import type { Ledger, SourceLedger } from "./ledger.ts";

/**
 * The events that stand in their chain before one that their stream sent earlier.
 *
 * Compared are events of one correlation that were acknowledged on the same gRPC stream. A client sends what has no outcome
 * again before anything new, in the order of the first time, so that on each of its streams events go by their counters, and
 * whichever attempt was stored, those before it in the same attempt were stored before it. What was acknowledged on
 * different streams has no order: another process may know nothing of what waits in the queue.
 */
export function findOutOfOrder(ledger: Ledger): Found {
  const found = new Found();
  for (const source of ledger.sources) checkSource(source, ledger, found);
  return found;
}

/** More than there are correlations; a stream and one of them make one exact number. */
const CORRELATIONS = 2 ** 28;

function checkSource(source: SourceLedger, ledger: Ledger, found: Found): void {
  /** The event with the highest place so far, by stream and correlation. */
  const highest = new Map<number, number>();
  for (let counter = 0; counter < source.size; counter++) {
    const call = source.calls[counter] as number;
    const place = source.places[counter] as number;
    if (call === 0 || place === 0) continue;
    const correlation = source.correlations[counter] as number;
    const key = call * CORRELATIONS + correlation;
    const before = highest.get(key);
    const placeBefore = before === undefined ? 0 : (source.places[before] as number);
    if (place > placeBefore) highest.set(key, counter);
    else {
      const id = (number: number) => ledger.id({ ...source, counter: number });
      found.add(
        () =>
          `${id(counter)} at place ${place} of ${ledger.correlations[correlation]}, sent after ` +
          `${id(before as number)} at place ${placeBefore} on stream ${call} of process ${source.process}`,
      );
    }
  }
}

import { type LinkRow, linkFaults } from "../integrity/chain_link.ts";
import { readEvents, SELECT_EVENTS } from "../integrity/verify/event_text.ts";
import type { CheckContext } from "./check.ts";

/** Every event in the order of its chain, with its salt: one walk along idx_audit_events_chain of all partitions. */
const CHAINS = `${SELECT_EVENTS}
  WHERE $1::text IS NULL OR event.correlation_id = $1::text
  ORDER BY event.correlation_id, event.chain_position, event.event_date`;
/** Sorting millions of whole events would fill the disk; the index has them in order. */
const BY_INDEX = { enable_sort: "off", enable_incremental_sort: "off" };

/**
 * Walks along every chain, or that of one correlation: places 1 to n, each linked to the one before, each hash computed anew
 * from what is stored. Holds two pages of events in memory, however many there are. Gives how many events it looked at.
 */
export async function checkChains(
  { snapshot, report }: CheckContext<"chains">,
  correlationId: string | undefined,
): Promise<number> {
  let events = 0;
  let before: LinkRow | undefined;
  await snapshot.planned(BY_INDEX, async () => {
    for await (const page of readEvents(snapshot, CHAINS, [correlationId ?? null])) {
      for (const one of page) {
        const row = one instanceof Promise ? await one : one;
        events++;
        for (const [kind, evidence] of linkFaults(row, before)) await report.fault(kind, evidence);
        before = row;
      }
      report.progress(events);
    }
  });
  return events;
}

import { type LinkRow, linkFaults } from "../integrity/chain_link.ts";
import { EVENT_TEXT, readEventText } from "../integrity/verify/event_text.ts";
import type { CheckContext } from "./check.ts";

/** Every event in the order of its chain, with its salt: one walk along idx_audit_events_chain of all partitions. */
const CHAINS = `SELECT ${EVENT_TEXT} AS text
  FROM audit_events AS event
  LEFT JOIN audit_event_ids AS id ON id.event_id = event.event_id
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
    for await (const page of snapshot.texts(CHAINS, [correlationId ?? null])) {
      for (const text of page) {
        const row = readEventText(text);
        for (const [kind, evidence] of linkFaults(row, before)) await report.fault(kind, evidence);
        before = row;
      }
      events += page.length;
      report.progress(events);
    }
  });
  return events;
}

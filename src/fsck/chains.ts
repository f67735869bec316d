import { type LinkRow, linkFaults } from "../integrity/chain_link.ts";
import type { CheckContext } from "./check.ts";
import { statement } from "./snapshot.ts";

const CHAINS = statement("chains");
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
    for await (const page of snapshot.pages<LinkRow>(CHAINS, [correlationId ?? null])) {
      for (const row of page) {
        for (const [kind, evidence] of linkFaults(row, before)) await report.fault(kind, evidence);
        before = row;
      }
      events += page.length;
      report.progress(events);
    }
  });
  return events;
}

import type { Json } from "../../integrity/canonical.ts";
import { type LinkFaultKind, linkFaults } from "../../integrity/chain_link.ts";
import { atOnce, type Steps } from "../steps.ts";
import type { ChainCheck, TraceRow } from "../trace.ts";

/** Whether each row has its place in the chain and its hash. Rows without a salt are held to their links alone. */
export function checkChain(rows: readonly TraceRow[]): ChainCheck {
  return atOnce(checkingChain(rows));
}

/** checkChain, row by row. `payloads`: what event_data says, where it has been read already. */
export function* checkingChain(rows: readonly TraceRow[], payloads?: ReadonlyMap<TraceRow, Json>): Steps<ChainCheck> {
  let checked = 0;
  let before: TraceRow | undefined;
  let firstBad: ChainCheck["firstBad"];
  for (const row of rows) {
    yield;
    if (row.salt !== null) checked++;
    if (firstBad === undefined) {
      const [fault] = linkFaults(row, before, payloads?.get(row));
      if (fault !== undefined) {
        const [kind, { expected, found }] = fault;
        // The hash that would be right is not told: whoever changed the row could write it there.
        const place = kind === "gap" ? `: ${found}, expected ${expected}` : "";
        firstBad = {
          position: Number(row.chain_position),
          eventId: row.event_id,
          problem: `${PROBLEMS[kind]}${place}`,
        };
      }
    }
    before = row;
  }
  return { verified: firstBad === undefined, checked, ...(firstBad === undefined ? {} : { firstBad }) };
}

const PROBLEMS: Readonly<Record<LinkFaultKind, string>> = {
  fork: "two events have this place",
  gap: "events are missing before it",
  previous_hash: "it does not follow the event before it",
  event_hash: "its hash is not that of its content",
  unreadable: "its content cannot be read",
};

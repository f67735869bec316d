import type { Json } from "../../integrity/canonical.ts";
import { type LinkFaultKind, linkFaults } from "../../integrity/chain_link.ts";
import { atOnce, type Steps } from "../steps.ts";
import type { ChainCheck, TraceRow } from "../trace.ts";

type Bad = NonNullable<ChainCheck["firstBad"]>;

/**
 * Whether each row has its place in the chain and its hash, and whether none is missing at the end: the rows must reach the
 * head of their chain, or `last` where that comes first.
 */
export function checkChain(rows: readonly TraceRow[], last = Number.POSITIVE_INFINITY): ChainCheck {
  return atOnce(checkingChain(rows, last));
}

/** checkChain, row by row. `payloads`: what event_data says, where it has been read already. */
export function* checkingChain(
  rows: readonly TraceRow[],
  last: number,
  payloads?: ReadonlyMap<TraceRow, Json>,
): Steps<ChainCheck> {
  let checked = 0;
  let before: TraceRow | undefined;
  let firstBad: Bad | undefined;
  for (const row of rows) {
    yield;
    if (row.salt !== null) checked++;
    firstBad ??= linkProblem(row, before, payloads?.get(row));
    before = row;
  }
  if (before !== undefined) firstBad ??= endProblem(before, last);
  return { verified: firstBad === undefined, checked, ...(firstBad === undefined ? {} : { firstBad }) };
}

function linkProblem(row: TraceRow, before: TraceRow | undefined, payload: Json | undefined): Bad | undefined {
  const [fault] = linkFaults(row, before, payload);
  // Without a salt any content would do.
  if (fault === undefined)
    return row.salt === null ? badAt(row, "its hash cannot be checked: its salt is gone") : undefined;
  const [kind, { expected, found }] = fault;
  // The hash that would be right is not told: whoever changed the row could write it there.
  return badAt(row, `${PROBLEMS[kind]}${kind === "gap" ? `: ${found}, expected ${expected}` : ""}`);
}

function endProblem(row: TraceRow, last: number): Bad | undefined {
  const { head_position: head, head_hash: hash } = row;
  if (head === undefined) return undefined;
  if (head === null) return badAt(row, "its chain has no head, so events may be missing after it");
  const [position, end] = [Number(row.chain_position), Math.min(Number(head), last)];
  if (position < end) {
    return { position: position + 1, eventId: "", problem: `events are missing up to position ${end}` };
  }
  const isOther = position > Number(head) || (position === Number(head) && row.event_hash !== hash);
  return isOther ? badAt(row, "it is not the event that the head of its chain names") : undefined;
}

function badAt({ chain_position, event_id }: TraceRow, problem: string): Bad {
  return { position: Number(chain_position), eventId: event_id, problem };
}

const PROBLEMS: Readonly<Record<LinkFaultKind, string>> = {
  fork: "two events have this place",
  gap: "events are missing before it",
  previous_hash: "it does not follow the event before it",
  event_hash: "its hash is not that of its content",
  unreadable: "its content cannot be read",
};

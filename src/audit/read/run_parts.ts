import { Fault } from "../../fault.ts";
import type { EventQuery } from "./query.ts";

/** A row of audit_log_runs as PostgreSQL's text has it. */
export interface RunRow {
  readonly first_log_index: string;
  readonly event_count: number;
  readonly correlation_id: string;
  readonly first_position: string;
  readonly first_date: string;
  readonly last_date: string;
  readonly salt: string;
}

/** Consecutive events of a run: some or all of it. */
export interface RunPart {
  readonly firstIndex: number;
  readonly eventCount: number;
  readonly correlationId: string;
  readonly firstPosition: number;
  /** Earliest and latest event_date of the run: YYYY-MM-DD. */
  readonly firstDate: string;
  readonly lastDate: string;
  /** In hex. */
  readonly runSalt: string;
}

/** The part of a run within places of the log, `end` excluded. */
export function partOf(row: RunRow, from: number, end: number): RunPart {
  const first = Number(row.first_log_index);
  const part = {
    firstIndex: first,
    eventCount: row.event_count,
    correlationId: row.correlation_id,
    firstPosition: Number(row.first_position),
    firstDate: row.first_date,
    lastDate: row.last_date,
    runSalt: row.salt,
  };
  const until = Math.min(end, first + row.event_count);
  return behind({ ...part, eventCount: until - first }, from - 1);
}

/** What of a part comes behind a place of the log; its eventCount is not above 0 where nothing does. */
export function behind(part: RunPart, index: number): RunPart {
  const skipped = Math.max(0, index + 1 - part.firstIndex);
  if (skipped === 0) return part;
  return {
    ...part,
    firstIndex: part.firstIndex + skipped,
    firstPosition: part.firstPosition + skipped,
    eventCount: part.eventCount - skipped,
  };
}

/** The last place of the log in a part. */
export function lastIndex(part: RunPart): number {
  return part.firstIndex + part.eventCount - 1;
}

/** The stretches of a part whose places are not among `present`, which are in their order. */
export function missing(part: RunPart, present: readonly number[]): RunPart[] {
  const stretches: RunPart[] = [];
  let next = part.firstPosition;
  const upTo = (position: number) => {
    const skipped = next - part.firstPosition;
    const eventCount = position - next;
    if (eventCount > 0) {
      stretches.push({ ...part, firstIndex: part.firstIndex + skipped, firstPosition: next, eventCount });
    }
    next = position + 1;
  };
  for (const position of present) upTo(position);
  upTo(part.firstPosition + part.eventCount);
  return stretches;
}

/** How many of the parts, from the first on, it takes for so many events; all where there are not as many. */
export function countFor(parts: readonly RunPart[], events: number): number {
  let count = 0;
  for (let sum = 0; count < parts.length && sum < events; count++) sum += (parts[count] as RunPart).eventCount;
  return count;
}

/** The stretches of parts up to an index that no row tells of; rows are in the order of the log. */
export function missingFrom(
  parts: readonly RunPart[],
  rows: readonly { readonly log_index: string; readonly chain_position: string }[],
  upTo: number,
): RunPart[] {
  const stretches: RunPart[] = [];
  let at = 0;
  for (const part of parts) {
    if (part.firstIndex > upTo) break;
    const eventCount = Math.min(lastIndex(part), upTo) - part.firstIndex + 1;
    const present: number[] = [];
    for (; at < rows.length && Number(rows[at]?.log_index) < part.firstIndex + eventCount; at++) {
      present.push(Number(rows[at]?.chain_position));
    }
    if (present.length < eventCount) stretches.push(...missing({ ...part, eventCount }, present));
  }
  return stretches;
}

/** Whether events of a part may lie in the time range of a query. */
export function isWithinDates({ firstDate, lastDate }: RunPart, { startTime, endTime }: EventQuery): boolean {
  return (
    (startTime === undefined || lastDate >= startTime.slice(0, 10)) &&
    (endTime === undefined || firstDate <= endTime.slice(0, 10))
  );
}

/** @throws Fault `precondition` LOG_DAMAGED where the runs do not follow each other from `from` on. */
export function refuseGaps(rows: readonly RunRow[], from: number): void {
  let next = from;
  for (const [place, row] of rows.entries()) {
    const first = Number(row.first_log_index);
    if (place === 0 ? first > next : first !== next) throw damaged(next);
    next = first + row.event_count;
  }
  if (next <= from) throw damaged(from);
}

function damaged(index: number): Fault {
  const message = `the log does not tell which event stands at its index ${index}; datastorage fsck tells more`;
  return new Fault("precondition", message, { reason: "LOG_DAMAGED", metadata: { log_index: String(index) } });
}

import { addMonths, monthOf } from "../custody/partitions.ts";
import type { CheckContext } from "./check.ts";
import { statement } from "./statement.ts";

const PARTITIONS = statement("partitions");
const MISPLACED = statement("misplaced");
const DEFAULT_ROWS = statement("default_rows");

/** Which months should have a partition of their own. */
export interface WantedMonths {
  /** Months after the current one. */
  readonly monthsAhead: number;
  /** Days of the past within which a month has a partition as soon as it has events. */
  readonly retentionDays: number;
  readonly now: Date;
}

/** A service makes the next month within the hour, and a minute later where a lock was in its way. */
const MAKING_MS = 2 * 3_600_000;

interface PartitionRow {
  readonly name: string;
  readonly bounds: string | null;
  readonly attached: boolean;
  /** Names with a space between. */
  readonly missing_guards: string;
}

interface MisplacedRow {
  readonly event_id: string;
  readonly correlation_id: string;
  readonly event_date: string;
  readonly partition: string;
  readonly day: string;
  readonly wrong_date: boolean;
}

/** Checks that months have partitions, that these are guarded, and that events are in theirs. Gives how many there are. */
export async function checkPartitions(context: CheckContext<"partitions">, wanted: WantedMonths): Promise<number> {
  const { snapshot, report } = context;
  const partitions = await snapshot.all<PartitionRow>(PARTITIONS);
  for (const partition of partitions) await checkPartition(partition, report);
  const months = new Set(partitions.filter(({ attached }) => attached).map(({ name }) => name));
  const current = monthOf(new Date(wanted.now.getTime() - MAKING_MS).toISOString());
  for (let ahead = 0; ahead <= wanted.monthsAhead; ahead++) {
    const name = nameOf(addMonths(current, ahead));
    if (!months.has(name)) await report.fault("no_month", { name });
  }
  await tellDefaultRows(context, wanted);
  for await (const page of snapshot.pages<MisplacedRow>(MISPLACED)) {
    for (const { event_id: eventId, correlation_id: correlationId, ...row } of page) {
      const where = { name: row.partition, correlationId, eventId };
      if (row.wrong_date) await report.fault("wrong_date", { ...where, expected: row.day, found: row.event_date });
      else await report.fault("wrong_partition", { ...where, expected: nameOf(row.event_date), found: row.partition });
    }
  }
  return months.size;
}

async function checkPartition(row: PartitionRow, report: CheckContext<"partitions">["report"]): Promise<void> {
  const { name } = row;
  if (!row.attached && name !== "audit_events") {
    await report.fault("detached", { name });
    return;
  }
  for (const guard of row.missing_guards.split(" ").filter((guard) => guard !== "")) {
    await report.fault("no_guard", { name, expected: `trigger ${guard}` });
  }
  if (name === "audit_events") return;
  const expected = boundsOf(name);
  if (row.bounds !== expected) await report.fault("wrong_bounds", { name, expected, found: row.bounds ?? "none" });
}

/** The bounds of a partition as PostgreSQL writes them, by its name. */
function boundsOf(name: string): string {
  if (name === "audit_events_default") return "DEFAULT";
  const [, year, month] = /^audit_events_(\d{4})_(\d\d)$/.exec(name) ?? [];
  if (year === undefined) return "the name of a month";
  const first = `${year}-${month}-01`;
  return `FOR VALUES FROM ('${first}') TO ('${addMonths(first, 1)}')`;
}

/**
 * Events of the default partition are in no wrong place, and are read like all others. Where a lock was in the way of their
 * partition, it is made when the next event of the month comes.
 */
async function tellDefaultRows(
  { snapshot, report }: CheckContext<"partitions">,
  { now, monthsAhead, retentionDays }: WantedMonths,
): Promise<void> {
  const oldest = monthOf(new Date(now.getTime() - retentionDays * 86_400_000).toISOString());
  const newest = addMonths(monthOf(now.toISOString()), monthsAhead);
  let outside = 0;
  for (const { month, events } of await snapshot.all<{ month: string; events: string }>(DEFAULT_ROWS)) {
    if (month < oldest || month > newest) outside += Number(events);
    else report.note(`${events} events wait in the default partition until ${nameOf(month)} is made`);
  }
  if (outside > 0) {
    report.note(`${outside} events older than the retention, or of months too far ahead, are in the default partition`);
  }
}

function nameOf(date: string): string {
  return `audit_events_${date.slice(0, 7).replace("-", "_")}`;
}

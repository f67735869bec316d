import type { CheckContext } from "./check.ts";
import { statement } from "./statement.ts";

const HEADS = statement("heads");

interface HeadRow {
  readonly correlation_id: string;
  readonly head_position: string | null;
  readonly head_hash: string | null;
  readonly chain_position: string | null;
  readonly event_hash: string | null;
  readonly event_id: string | null;
}

/** Compares each head with the last event of its chain. Gives how many heads there are. */
export async function checkHeads(
  { snapshot, report }: CheckContext<"heads">,
  correlationId: string | undefined,
): Promise<number> {
  for await (const page of snapshot.pages<HeadRow>(HEADS, [correlationId ?? null])) {
    for (const row of page) await tell(row, report);
  }
  const [counted] = await snapshot.all<{ heads: string }>(
    "SELECT count(*) AS heads FROM audit_chain_heads WHERE $1::text IS NULL OR correlation_id = $1::text",
    [correlationId ?? null],
  );
  return Number(counted?.heads);
}

async function tell(row: HeadRow, report: CheckContext<"heads">["report"]): Promise<void> {
  const head = row.head_position === null ? {} : { position: Number(row.head_position) };
  const last = row.chain_position === null ? {} : { position: Number(row.chain_position), eventId: `${row.event_id}` };
  const where = { correlationId: row.correlation_id };
  if (row.head_position === null) await report.fault("no_head", { ...where, ...last });
  else if (row.chain_position === null) await report.fault("no_chain", { ...where, ...head });
  else if (row.head_position !== row.chain_position) {
    const [expected, found] = [`position ${row.head_position}`, `position ${row.chain_position}`];
    await report.fault("head_position", { ...where, ...last, expected, found });
  } else {
    const [expected, found] = [`${row.event_hash}`, `${row.head_hash}`];
    await report.fault("head_hash", { ...where, ...last, expected, found });
  }
}

import type { CheckContext } from "./check.ts";
import { statement } from "./statement.ts";

const IDS = statement("ids");

interface IdRow {
  readonly event_id: string;
  readonly correlation_id: string | null;
  /** Null: there is no row for this id. */
  readonly id_date: string | null;
  readonly id_position: string | null;
  /** Null: there is no such event. */
  readonly event_date: string | null;
  readonly chain_position: string | null;
  readonly salt_bytes: number | null;
  readonly submission_digest_bytes: number | null;
  readonly stored_twice: boolean;
}

/** Compares audit_event_ids with the events. Gives how many ids there are. */
export async function checkIds({ snapshot, report }: CheckContext<"ids">): Promise<number> {
  for await (const page of snapshot.pages<IdRow>(IDS)) for (const row of page) await tell(row, report);
  const [counted] = await snapshot.all<{ ids: string }>("SELECT count(*) AS ids FROM audit_event_ids");
  return Number(counted?.ids);
}

async function tell(row: IdRow, report: CheckContext<"ids">["report"]): Promise<void> {
  const place = row.chain_position === null ? {} : { position: Number(row.chain_position) };
  const of = row.correlation_id === null ? {} : { correlationId: row.correlation_id };
  const where = { ...of, ...place, eventId: row.event_id };
  if (row.id_date === null) {
    await report.fault("no_id", where);
    return;
  }
  if (row.event_date === null) {
    await report.fault("no_event", { ...where, position: Number(row.id_position), expected: `date ${row.id_date}` });
  } else if (row.stored_twice) {
    await report.fault("stored_twice", { ...where, expected: row.id_date, found: `also ${row.event_date}` });
  } else {
    if (row.id_date !== row.event_date) {
      await report.fault("id_date", { ...where, expected: row.event_date, found: row.id_date });
    }
    if (row.id_position !== row.chain_position) {
      await report.fault("id_position", { ...where, expected: `${row.chain_position}`, found: `${row.id_position}` });
    }
  }
  if (row.salt_bytes !== 16) await report.fault("no_salt", where);
  if (row.submission_digest_bytes !== 32) await report.fault("no_submission_digest", where);
}

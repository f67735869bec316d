import postgres from "postgres";
import { INTACT_SQL, TWIN_SQL } from "../client/made_event.ts";
import { Found } from "./finding.ts";
import type { Ledger } from "./ledger.ts";

const PAGE = 2000;
/** Rows between two words about how far it is. */
const TELL_ROWS = 50_000;

interface Row {
  readonly event_id: string;
  readonly correlation_id: string;
  readonly chain_position: string;
  /** Whether the content is what its sender made a digest of; null where there is no digest. */
  readonly intact: boolean | null;
  readonly twin: boolean;
}

/** Reads audit_events once, in no order, and enters every row but the service's own about the log into the ledger. */
export async function compareTable(
  databaseUrl: string,
  ledger: Ledger,
  conflicting: Found,
  onRows: (rows: number) => void,
): Promise<{ stored: number; duplicated: Found; unexpected: Found }> {
  const duplicated = new Found();
  const unexpected = new Found();
  let stored = 0;
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const query = sql.unsafe<Row[]>(
      `SELECT event_id, correlation_id, chain_position, ${INTACT_SQL} AS intact, ${TWIN_SQL} AS twin FROM audit_events
       WHERE event_type <> 'datastorage.log.origin_opened'`,
    );
    await query.cursor(PAGE, (rows) => {
      for (const row of rows) {
        enter(row, ledger, { duplicated, unexpected, conflicting });
        if (++stored % TELL_ROWS === 0) onRows(stored);
      }
    });
  } finally {
    await sql.end();
  }
  return { stored, duplicated, unexpected };
}

function enter(row: Row, ledger: Ledger, found: { duplicated: Found; unexpected: Found; conflicting: Found }): void {
  const { event_id: id, correlation_id: correlation, chain_position: place, intact, twin } = row;
  const event = ledger.find(id);
  if (event === undefined) {
    found.unexpected.add(() => `${id} at place ${place} of ${correlation}`);
    return;
  }
  const { source, counter } = event;
  const before = source.places[counter] as number;
  if (before > 0) {
    const there = ledger.correlations[source.correlations[counter] as number];
    found.duplicated.add(() => `${id} at place ${before} of ${there} and at place ${place} of ${correlation}`);
    return;
  }
  source.places[counter] = Number(place);
  source.correlations[counter] = ledger.correlation(correlation);
  if (twin)
    found.conflicting.add(() => `${id} at place ${place} of ${correlation}: the second content sent with this id`);
  else if (intact !== true) found.conflicting.add(() => `${id} at place ${place} of ${correlation}: not what was sent`);
}

import { type Head, linkEvents } from "../../src/audit/append/chain.ts";
import { appendEvents, readHeads } from "../../src/audit/append/statements.ts";
import type { Submission } from "../../src/audit/event.ts";
import type { PreparedEvent } from "../../src/audit/prepare.ts";
import { addMonths, monthOf } from "../../src/custody/partitions.ts";
import { openPool, type Sql } from "../../src/postgres/pool.ts";
import { preparedEvent } from "../support/prepared_event.ts";

export const THIS_MONTH = monthOf(new Date().toISOString());
export const PAST_MONTH = addMonths(THIS_MONTH, -30);

/** The id of the event at a place of chain `rr-<chain>`. */
export function eventId(chain: number, position: number): string {
  return `00000000-0000-7000-8000-${String(chain).padStart(6, "0")}${String(position).padStart(6, "0")}`;
}

/** An event as it is stored at a place of chain `rr-<chain>`: odd places are of a past month, even ones of this. */
export function chainEvent(chain: number, position: number, fields: Partial<Submission> = {}): PreparedEvent {
  const month = position % 2 === 1 ? PAST_MONTH : THIS_MONTH;
  return preparedEvent({
    event_id: eventId(chain, position),
    correlation_id: `rr-${chain}`,
    event_timestamp: `${month.slice(0, 7)}-01T00:00:00.${String(position).padStart(6, "0")}Z`,
    event_data: JSON.stringify({ position, text: "é\u0000\u001e😀".replace("\u0000", "") }),
    ...(position % 3 === 0 && {
      duration_ms: 17,
      error_message: "it failed\u001f",
      namespace: "shop",
      severity: "high",
    }),
    ...fields,
  });
}

/** Makes the months of chainEvent, and the one ahead. */
export async function makeMonths(sql: Sql): Promise<void> {
  for (const month of [PAST_MONTH, THIS_MONTH, addMonths(THIS_MONTH, 1)]) {
    await sql.unsafe("SELECT create_audit_events_month($1::text::date)", [month]);
  }
}

/** Appends events as the service does. */
export async function append(sql: Sql, events: readonly PreparedEvent[]): Promise<void> {
  const heads: Map<string, Head> = await readHeads(sql, [...new Set(events.map(({ correlationId }) => correlationId))]);
  const answer = await appendEvents(sql, linkEvents(events, (id) => heads.get(id)).arguments);
  if (answer !== "appended") throw new Error(`the events were not appended: ${answer}`);
}

/** Stores `chains` chains `rr-1`, `rr-2` … of `length` events each. */
export async function appendChains(url: string, chains: number, length: number): Promise<void> {
  const sql = openPool({ url, connections: 1, applicationName: "test", statementTimeoutMs: 0 });
  try {
    await makeMonths(sql);
    for (let position = 1; position <= length; position++) {
      await append(
        sql,
        Array.from({ length: chains }, (_, chain) => chainEvent(chain + 1, position)),
      );
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}

import type { Sql as AdminSql } from "postgres";
import type { StoreFault } from "../../src/fsck/findings.ts";
import type { Outside } from "../../src/fsck/log/check_log.ts";
import { type LinkRow, linkFaults } from "../../src/integrity/chain_link.ts";
import type { Signer } from "../../src/integrity/note/signed_note.ts";
import type { ChainReport } from "../../src/integrity/verify/chain_report.ts";
import { readEvents, SELECT_EVENTS } from "../../src/integrity/verify/event_text.ts";
import { verifyChain } from "../../src/integrity/verify/verify_chain.ts";
import { openPool, type Sql } from "../../src/postgres/pool.ts";
import { append, chainEvent } from "../fsck/append_chains.ts";
import { check, type DamagedStore, damagedStore } from "../fsck/damaged_store.ts";
import type { Scope } from "../support/audit_service.ts";
import { indexAll, newSigner, seal } from "./indexed_store.ts";

/** Places of each chain; the last one waits for an index, the others are covered by a checkpoint. */
export const PLACES = 7;

/** A store with chains rr-1 and rr-2, to be tampered with as its superuser. */
export interface TamperedStore extends DamagedStore {
  readonly signer: Signer;
  /** The checkpoint as somebody elsewhere has kept it. */
  readonly note: string;
  /** What VerifyChain says of rr-1, as `kind@place`. */
  verified(correlationId?: string): Promise<string[]>;
  /** What fsck says, as `check.kind@place`; the same thing but once. */
  checked(outside?: Outside): Promise<string[]>;
}

export async function tamperedStore(scope: Scope): Promise<TamperedStore> {
  const store = await damagedStore(scope, 2, PLACES - 1);
  const signer = newSigner();
  const note = await asService(store.database.url, async (sql) => {
    await indexAll(sql);
    const sealed = await seal(sql, signer);
    await append(sql, [chainEvent(1, PLACES), chainEvent(2, PLACES)]);
    return sealed;
  });
  return {
    ...store,
    signer,
    note,
    verified: async (correlationId = "rr-1") => told(await verify(store.database.url, correlationId)),
    checked: async (outside) => [...new Set((await check(store.database.url, { outside })).found.map(inShort))],
  };
}

/** Works over a connection as the service has it. */
export async function asService<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = openPool({ url, connections: 1, applicationName: "test", statementTimeoutMs: 0 });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

export function verify(databaseUrl: string, correlationId = "rr-1"): Promise<ChainReport> {
  return verifyChain({ databaseUrl, statementTimeoutMs: 30_000 }, correlationId, new AbortController().signal);
}

/** The faults of a report as `kind@place`. */
export function told({ faults }: ChainReport): string[] {
  return faults.map(({ kind, position }) => `${kind}@${position}`);
}

function inShort({ check, kind, position, name }: StoreFault): string {
  return `${check}.${kind}@${position ?? name ?? ""}`;
}

/** Makes all hashes of rr-1 from a place on follow from what is stored, with the head: as the owner of the database can. */
export async function rewriteChain(admin: AdminSql, from: number): Promise<void> {
  const read = {
    async *texts(statement: string) {
      yield (await admin.unsafe<{ text: string }[]>(statement)).map(({ text }) => text);
    },
    all: async <Row extends object>(text: string, values: readonly (string | null)[] = []) =>
      (await admin.unsafe<Row[]>(text, [...values])) as Row[],
  };
  const statement = `${SELECT_EVENTS} WHERE event.correlation_id = 'rr-1' ORDER BY event.chain_position`;
  const rows: LinkRow[] = [];
  for await (const page of readEvents(read, statement, [])) for (const event of page) rows.push(await event);
  let before: LinkRow | undefined;
  for (const one of rows) {
    const row = { ...one, previous_event_hash: before?.event_hash ?? null };
    const wrong = linkFaults(row, before).find(([kind]) => kind === "event_hash");
    before = { ...row, event_hash: wrong?.[1].expected ?? row.event_hash };
    if (Number(row.chain_position) < from) continue;
    await asSuperuser(
      admin,
      `UPDATE audit_events SET event_hash = '${before.event_hash}', previous_event_hash = ${
        row.previous_event_hash === null ? "NULL" : `'${row.previous_event_hash}'`
      } WHERE event_id = '${row.event_id}'`,
    );
  }
  await asSuperuser(
    admin,
    `UPDATE audit_chain_heads SET event_hash = '${before?.event_hash}', chain_position = ${before?.chain_position}
     WHERE correlation_id = 'rr-1'`,
  );
}

/** Makes the log anew from what is stored, as if it had always been so; what was signed stays. */
export async function rewriteLog({ admin, database }: TamperedStore): Promise<void> {
  await asSuperuser(
    admin,
    `DELETE FROM audit_log_runs; DELETE FROM audit_log_entries; DELETE FROM audit_log_tiles; DELETE FROM audit_log_pending;
     UPDATE audit_log_state SET size = 0, root = sha256(''), signed_size = 0, published_size = 0;
     INSERT INTO audit_log_pending (
       correlation_id, first_position, event_count, first_date, last_date, event_hashes, recorded_time)
     SELECT correlation_id, chain_position, 1, event_date, event_date, decode(event_hash, 'hex'), recorded_time
     FROM audit_events ORDER BY chain_position, correlation_id`,
  );
  await asService(database.url, (sql) => indexAll(sql));
}

async function asSuperuser(admin: AdminSql, statements: string): Promise<void> {
  await admin.unsafe(`BEGIN; SET LOCAL session_replication_role = replica; ${statements}; COMMIT`).simple();
}

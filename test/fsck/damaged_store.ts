import postgres, { type Sql } from "postgres";
import { faultText, type StoreFault } from "../../src/fsck/findings.ts";
import { type FsckOptions, type FsckSummary, fsck } from "../../src/fsck/fsck.ts";
import type { Scope } from "../support/audit_service.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { appendChains } from "./append_chains.ts";

/** A database with recorded events, to be damaged as its superuser. */
export interface DamagedStore {
  readonly database: TestDatabase;
  readonly admin: Sql;
  /** Runs statements as somebody whom no trigger, rule or foreign key stops. */
  damage(...statements: string[]): Promise<void>;
}

/** Stores `chains` chains (`rr-1`, `rr-2` …) of `events` events each, half of them in this month and half in a month of the past. */
export async function damagedStore(scope: Scope, chains = 2, events = 4): Promise<DamagedStore> {
  const database = await createDatabase("fsck");
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  scope.after(async () => {
    await admin.end({ timeout: 1 });
    await database.drop();
  });
  await appendChains(database.url, chains, events);
  return {
    database,
    admin,
    async damage(...statements) {
      await admin
        .unsafe(`BEGIN; SET LOCAL session_replication_role = replica; ${statements.join("; ")}; COMMIT`)
        .simple();
    },
  };
}

/** Runs fsck: what it came to, its faults, and these as they are printed. */
export async function check(
  url: string,
  options: Partial<FsckOptions> = {},
): Promise<FsckSummary & { found: StoreFault[]; lines: string[] }> {
  const found: StoreFault[] = [];
  const onFault = (fault: StoreFault) => void found.push(fault);
  const summary = await fsck({ databaseUrl: url, monthsAhead: 1, retentionDays: 2555, onFault, ...options });
  return { ...summary, found, lines: found.map(faultText) };
}

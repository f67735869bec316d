import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import type { OwnEvent } from "../../src/audit/own_event.ts";
import { type OpenLog, openLog } from "../../src/integrity/log/open_log.ts";
import { TileStore } from "../../src/integrity/log/tile_store.ts";
import { consistencyProof, verifyConsistency } from "../../src/integrity/merkle/proofs.ts";
import { type Checkpoint, parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { newPrivateKey, readPrivateKeys } from "../../src/integrity/note/keys.ts";
import { parseNote, type SignedNote, type Verifier, verifyNote } from "../../src/integrity/note/signed_note.ts";
import type { LogKeys } from "../../src/integrity/sealing/log_keys.ts";
import { logVerifiers } from "../../src/integrity/sealing/log_signers.ts";
import type { SealingOptions } from "../../src/integrity/sealing/sealing_options.ts";
import { Database } from "../../src/postgres/database.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

/** How much faster than the world's the sealer's clock goes here: a second is 20 ms. */
const HASTE = 50;
const PATIENCE_MS = 15_000;

/** Keys of a log, several in their order. */
export function logKeys(...pems: readonly string[]): LogKeys {
  const text = pems.length === 0 ? newPrivateKey() : pems.join("");
  return { privateKeys: readPrivateKeys(text) as unknown as LogKeys["privateKeys"], source: "a test" };
}

/** A database and a data folder, and logs that are kept there one after the other. */
export interface SealingSite {
  readonly database: TestDatabase;
  readonly dataDir: string;
  readonly keptFile: string;
  readonly sql: postgres.Sql;
  /** Opens the log as a process does. */
  start(options?: Partial<SealingOptions>): Promise<TestLog>;
  /** Has so many events wait for an index. */
  record(events: number): Promise<void>;
  kept(): string;
  /** Every note that was ever published, in order. */
  published(): Promise<string[]>;
  /** Waits until the log is published at that size at least; gives the note. */
  untilPublished(size: number): Promise<SignedNote>;
  close(): Promise<void>;
}

export interface Told {
  readonly level: "info" | "warn" | "error";
  readonly facts: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** A log that runs within this process. */
export interface TestLog {
  readonly open: OpenLog;
  readonly told: readonly Told[];
  readonly recorded: OwnEvent[];
  /** Turns the sealer's clock forward. */
  advance(milliseconds: number): void;
  /** Waits until something of the log's words is told. */
  untilTold(pattern: RegExp): Promise<Told>;
  close(): Promise<void>;
}

export async function openSealingSite(): Promise<SealingSite> {
  const database = await createDatabase("sealing");
  const dataDir = mkdtempSync(join(tmpdir(), "datastorage-sealing-"));
  const keptFile = join(dataDir, "log", "checkpoint");
  const sql = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  await sql.unsafe(HISTORY);
  const open = new Set<TestLog>();
  const site: SealingSite = {
    database,
    dataDir,
    keptFile,
    sql,
    async start(options = {}) {
      const log = startLog(database.url, dataDir, options);
      open.add(log);
      const close = async () => {
        open.delete(log);
        await log.close();
      };
      return { ...log, close };
    },
    async record(events) {
      const correlationId = `sealing-${randomUUID()}`;
      await sql`INSERT INTO audit_log_pending
        (correlation_id, first_position, event_count, first_date, last_date, event_hashes, recorded_time)
        VALUES (${correlationId}, 1, ${events}, '2026-05-01', '2026-05-01', ${randomBytes(32 * events)}, now())`;
    },
    kept: () => readFileSync(keptFile, "utf8"),
    async published() {
      return (await sql<{ note: string }[]>`SELECT note FROM published_history ORDER BY number`).map(
        ({ note }) => note,
      );
    },
    async untilPublished(size) {
      return until(async () => {
        const [row] = await sql<{ note: string | null; size: string }[]>`
          SELECT published_note AS note, published_size::text AS size FROM audit_log_state`;
        return row?.note && Number(row.size) >= size ? parseNote(row.note) : undefined;
      }, `published at ${size}`);
    },
    async close() {
      for (const log of open) await log.close();
      await sql.end();
      await database.drop();
      rmSync(dataDir, { recursive: true });
    },
  };
  return site;
}

/** Keeps what is ever published, also by a process that is killed. */
const HISTORY = `
CREATE TABLE published_history (number bigint GENERATED ALWAYS AS IDENTITY, note text NOT NULL);
GRANT ALL ON published_history TO datastorage;
CREATE FUNCTION keep_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.published_note IS NOT NULL THEN INSERT INTO published_history (note) VALUES (NEW.published_note); END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_published AFTER UPDATE OF published_note ON audit_log_state FOR EACH ROW EXECUTE FUNCTION keep_published()`;

/** A log of this process, whose sealer is in a hurry. */
export function startLog(databaseUrl: string, dataDir: string, options: Partial<SealingOptions>): TestLog {
  const told: Told[] = [];
  const tell = (level: Told["level"]) => (facts: object, text?: string) =>
    void told.push({ level, facts: facts as Told["facts"], text: text ?? "" });
  const log = { info: tell("info"), warn: tell("warn"), error: tell("error") } as unknown as SealingOptions["log"];
  const recorded: OwnEvent[] = [];
  let ahead = 0;
  const read = new Database({
    url: databaseUrl,
    connections: 2,
    applicationName: "test read",
    statementTimeoutMs: 5000,
  });
  const open = openLog({
    databaseUrl,
    read,
    log,
    statementTimeoutMs: 5000,
    othersMs: 1000 / HASTE + 50,
    onAdvanced() {},
    sealing: {
      keys: undefined,
      origin: undefined,
      dataDir,
      witnesses: [],
      record: async (event) => void recorded.push(event),
      monotonicMs: () => HASTE * performance.now() + ahead,
      ...options,
    },
  });
  open.begin();
  return {
    open,
    told,
    recorded,
    advance(milliseconds) {
      ahead += milliseconds;
    },
    untilTold: (pattern) => until(async () => told.find(({ text }) => pattern.test(text)), `told ${pattern}`),
    async close() {
      await open.close();
      await read.end();
    },
  };
}

/** Asks again and again until there is an answer. */
export async function until<T>(ask: () => Promise<T | undefined>, what: string): Promise<T> {
  for (const end = performance.now() + PATIENCE_MS; ; await delay(5)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
  }
}

/** Fails unless each of the notes is signed by the keys, and each extends all that are smaller. */
export async function assertConsistent(
  site: SealingSite,
  keys: LogKeys,
  notes: readonly string[],
): Promise<Checkpoint[]> {
  const checkpoints = notes.map((note) => {
    const parsed = parseNote(note);
    const checkpoint = parseCheckpoint(parsed.text);
    verifyNote(parsed, logVerifiers(keys, checkpoint.origin));
    return checkpoint;
  });
  const database = new Database({
    url: site.database.url,
    connections: 1,
    applicationName: "test check",
    statementTimeoutMs: 5000,
  });
  const tiles = new TileStore(database);
  const distinct = [
    ...new Map(checkpoints.map((one) => [`${one.origin} ${one.size} ${one.root.toString("hex")}`, one])).values(),
  ];
  try {
    for (const from of distinct) {
      for (const to of distinct) {
        if (from === to || from.origin !== to.origin || from.size > to.size) continue;
        const proof = await consistencyProof(tiles, from.size, to.size);
        assert.ok(
          verifyConsistency(from.size, from.root, to.size, to.root, proof),
          `the checkpoints of ${from.size} and ${to.size} contradict each other`,
        );
      }
    }
  } finally {
    await database.end();
  }
  return checkpoints;
}

/** Verifiers of a log under an origin. */
export function verifiersOf(keys: LogKeys, origin: string): readonly Verifier[] {
  return logVerifiers(keys, origin);
}

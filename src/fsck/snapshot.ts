import { readFileSync } from "node:fs";
import { openPool, type Sql } from "../postgres/pool.ts";

/** Rows of one page: each may hold a payload of 256 KiB, and two pages are in memory. */
const PAGE_ROWS = 250;

/** The connection of a snapshot was lost; what is read over another would be another state. Classed as a lost connection. */
class SnapshotLost extends Error {
  readonly code = "CONNECTION_LOST";
}

/** A statement of src/fsck/sql/. */
export function statement(name: string): string {
  return readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), "utf8");
}

/**
 * The database as it was at one moment: everything is read in one transaction, so that what is written meanwhile can
 * contradict nothing. Nothing is written; while it is open, no partition of a month can be made.
 */
export class Snapshot {
  readonly #sql: Sql;
  readonly #signal: AbortSignal | undefined;
  readonly #state: { lost: boolean };

  private constructor(sql: Sql, signal: AbortSignal | undefined, state: { lost: boolean }) {
    this.#sql = sql;
    this.#signal = signal;
    this.#state = state;
  }

  /** @throws what connecting fails with. */
  static async open(url: string, signal?: AbortSignal): Promise<Snapshot> {
    const state = { lost: false };
    const sql = openPool({
      url,
      connections: 1,
      applicationName: "datastorage fsck",
      statementTimeoutMs: 0,
      onClose: () => {
        state.lost = true;
      },
    });
    const snapshot = new Snapshot(sql, signal, state);
    try {
      // All rows of a cursor are read, so it is planned for all; joins of whole tables should not go to disk.
      await sql
        .unsafe(
          `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
           SET LOCAL idle_in_transaction_session_timeout = 0;
           SET LOCAL cursor_tuple_fraction = 1;
           SET LOCAL work_mem = '64MB'`,
        )
        .simple();
      return snapshot;
    } catch (error) {
      await snapshot.close();
      throw error;
    }
  }

  /** The rows of a statement, page by page; the next page is fetched while one is looked at. */
  async *pages<Row extends object>(text: string, values: readonly (string | null)[] = []): AsyncGenerator<Row[]> {
    await this.#run(`DECLARE page NO SCROLL CURSOR FOR ${text}`, values);
    const fetch = () => this.#run<Row>(`FETCH ${PAGE_ROWS} FROM page`);
    let next = fetch();
    for (;;) {
      const rows = await next;
      if (rows.length === 0) break;
      next = fetch();
      // Whoever stops in between leaves it unread.
      next.catch(() => {});
      yield rows;
    }
    await this.#run("CLOSE page");
  }

  /** All rows of a statement that gives few. */
  async all<Row extends object>(text: string, values: readonly (string | null)[] = []): Promise<Row[]> {
    return this.#run<Row>(text, values);
  }

  /** Changes how statements are planned while `work` runs. */
  async planned<T>(settings: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
    const names = Object.keys(settings);
    for (const name of names) await this.#run(`SET LOCAL ${name} = ${settings[name]}`);
    const answer = await work();
    for (const name of names) await this.#run(`RESET ${name}`);
    return answer;
  }

  async #run<Row extends object>(text: string, values: readonly (string | null)[] = []): Promise<Row[]> {
    this.#signal?.throwIfAborted();
    if (this.#state.lost) throw new SnapshotLost("the connection to the database was lost");
    const stop = () => void this.#sql.end({ timeout: 0 }).catch(() => {});
    this.#signal?.addEventListener("abort", stop, { once: true });
    try {
      return [...(await this.#sql.unsafe<Row[]>(text, [...values]))];
    } catch (error) {
      this.#signal?.throwIfAborted();
      throw error;
    } finally {
      this.#signal?.removeEventListener("abort", stop);
    }
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }
}

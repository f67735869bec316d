import { openPool, type Sql } from "./pool.ts";

/** Rows of one page: each may hold a payload of 256 KiB, and two pages are in memory. */
const PAGE_ROWS = 250;
/** A page of texts aims at this many characters, so that small rows come in few pages and large ones in small pages. */
const PAGE_CHARACTERS = 512 * 1024;
const MOST_TEXTS = 500;
const FEWEST_TEXTS = 8;
/** A statement that the server itself should have ended this long ago: the connection is dead. */
const DEAD_CONNECTION_MS = 5_000;

/** The connection of a snapshot was lost; what is read over another would be another state. Classed as a lost connection. */
class SnapshotLost extends Error {
  readonly code = "CONNECTION_LOST";
}

export interface SnapshotOptions {
  readonly url: string;
  /** What pg_stat_activity shows. */
  readonly applicationName: string;
  /** Milliseconds that one statement may run, that is the reading of one page; 0: any time. */
  readonly statementTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The database as it was at one moment: everything is read in one transaction over a connection of its own, so that what is
 * written meanwhile can contradict nothing. Nothing is written; while it is open, no partition of a month can be made.
 */
export class Snapshot {
  readonly #sql: Sql;
  readonly #options: SnapshotOptions;
  readonly #state: { lost: boolean };
  #cursors = 0;

  private constructor(sql: Sql, options: SnapshotOptions, state: { lost: boolean }) {
    this.#sql = sql;
    this.#options = options;
    this.#state = state;
  }

  /** @throws what connecting fails with. */
  static async open(options: SnapshotOptions): Promise<Snapshot> {
    const state = { lost: false };
    const { url, applicationName, statementTimeoutMs } = options;
    const onClose = () => {
      state.lost = true;
    };
    const sql = openPool({ url, connections: 1, applicationName, statementTimeoutMs, onClose });
    const snapshot = new Snapshot(sql, options, state);
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
  pages<Row extends object>(text: string, values: readonly (string | null)[] = []): AsyncGenerator<Row[]> {
    return this.#pages<Row>(text, values, PAGE_ROWS, () => PAGE_ROWS);
  }

  /**
   * The rows of a statement with one column, named `text`, page by page as `pages` gives them. Rows are small or large: pages
   * have few of the large ones, and many of the small ones.
   */
  async *texts(statement: string, values: readonly (string | null)[] = []): AsyncGenerator<string[]> {
    let rows = FEWEST_TEXTS;
    const size = (page: readonly { text: string | null }[]) => {
      const characters = page.reduce((sum, { text }) => sum + (text?.length ?? 0), page.length);
      const fitting = Math.floor((PAGE_CHARACTERS * page.length) / characters);
      rows = Math.max(FEWEST_TEXTS, Math.min(MOST_TEXTS, 8 * rows, fitting));
      return rows;
    };
    for await (const page of this.#pages<{ text: string | null }>(statement, values, FEWEST_TEXTS, size)) {
      yield page.map(({ text }) => text ?? "");
    }
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

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }

  /** Fetches `first` rows, and then as many as `rowsAfter` says for the page before. */
  async *#pages<Row extends object>(
    text: string,
    values: readonly (string | null)[],
    first: number,
    rowsAfter: (page: readonly Row[]) => number,
  ): AsyncGenerator<Row[]> {
    const cursor = `page_${++this.#cursors}`;
    await this.#run(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${text}`, values);
    const fetch = (rows: number) => this.#run<Row>(`FETCH ${rows} FROM ${cursor}`);
    let next = fetch(first);
    for (;;) {
      const rows = await next;
      if (rows.length === 0) break;
      next = fetch(rowsAfter(rows));
      // Whoever stops in between leaves it unread.
      next.catch(() => {});
      yield rows;
    }
    await this.#run(`CLOSE ${cursor}`);
  }

  async #run<Row extends object>(text: string, values: readonly (string | null)[] = []): Promise<Row[]> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    if (this.#state.lost) throw new SnapshotLost("the connection to the database was lost");
    const stop = () => void this.#sql.end({ timeout: 0 }).catch(() => {});
    signal?.addEventListener("abort", stop, { once: true });
    const timer = this.#deadline(stop);
    try {
      return [...(await this.#sql.unsafe<Row[]>(text, [...values]))];
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Gives a peer up that is gone without a word; where statements may run for any time, nobody can tell. */
  #deadline(stop: () => void): NodeJS.Timeout | undefined {
    const { statementTimeoutMs } = this.#options;
    return statementTimeoutMs === 0 ? undefined : setTimeout(stop, statementTimeoutMs + DEAD_CONNECTION_MS);
  }
}

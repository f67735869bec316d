import { isConnectionLost } from "./errors.ts";
import { openPool, type PoolOptions, type Sql } from "./pool.ts";

/** A peer that did not answer in time; classed as a lost connection. */
class ConnectionTimedOut extends Error {
  readonly code = "CONNECTION_TIMED_OUT";
}

/** A statement is given up this long after the server itself should have: then the connection is dead. */
const DEAD_CONNECTION_MS = 5_000;
/** How long `end` waits for statements under way. */
const END_TIMEOUT_S = 1;

interface Pool {
  readonly sql: Sql;
  running: number;
}

/**
 * The database through a pool of connections, whose statements are answered in bounded time.
 *
 * - A statement that is not answered although the server's own statement_timeout has passed means that the peer is gone
 *   without a word, and is given up.
 * - Once a connection is lost, new statements go to a new pool: the old one may hold others that are dead, and postgres.js
 *   fails the next statement on a connection that was ended with a message (57P01) with that same message.
 */
export class Database {
  readonly #options: PoolOptions;
  #pool: Pool;
  /** Pools that are no longer used, with statements under way. */
  readonly #retired = new Set<Pool>();

  /** `statementTimeoutMs` must not be 0. */
  constructor(options: PoolOptions) {
    this.#options = options;
    this.#pool = this.#open();
  }

  /** Statements under way, those included that wait for a connection. */
  get running(): number {
    return this.#pool.running;
  }

  #open(): Pool {
    return { sql: openPool(this.#options), running: 0 };
  }

  /** Runs a statement; rejects as postgres.js does, or with an error that is classed as a lost connection. */
  async run<T>(statement: (sql: Sql) => Promise<T>): Promise<T> {
    const pool = this.#pool;
    pool.running++;
    try {
      return await this.#inTime(statement(pool.sql));
    } catch (error) {
      if (isConnectionLost(error)) this.#retire(pool);
      throw error;
    } finally {
      pool.running--;
      if (pool.running === 0 && this.#retired.delete(pool)) pool.sql.end({ timeout: 0 }).catch(() => {});
    }
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      const refuse = () => reject(new ConnectionTimedOut("the database did not answer"));
      timer = setTimeout(refuse, this.#options.statementTimeoutMs + DEAD_CONNECTION_MS);
    });
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  #retire(pool: Pool): void {
    if (pool !== this.#pool) return;
    this.#retired.add(pool);
    this.#pool = this.#open();
  }

  /** Closes the connections; statements under way may take a second to end. */
  async end(): Promise<void> {
    const pools = [this.#pool, ...this.#retired];
    await Promise.all(pools.map(({ sql }) => sql.end({ timeout: END_TIMEOUT_S })));
  }
}

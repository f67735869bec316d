import type { Sql } from "./pool.ts";

/** A peer that did not answer in time; classed as a lost connection. */
class ConnectionTimedOut extends Error {
  readonly code = "CONNECTION_TIMED_OUT";
}

/**
 * One connection that runs one statement at a time. A statement that is not answered in time means that the peer is gone
 * without a word (the server's own statement_timeout is shorter): the connection is given up and the next statement opens
 * another.
 */
export class Lane {
  readonly #open: () => Sql;
  readonly #timeoutMs: number;
  #sql: Sql;

  /** `open` gives a pool of one connection; `timeoutMs` must be longer than the server's statement_timeout. */
  constructor(open: () => Sql, timeoutMs: number) {
    this.#open = open;
    this.#timeoutMs = timeoutMs;
    this.#sql = open();
  }

  async run<T>(statement: (sql: Sql) => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        void this.#sql.end({ timeout: 0 });
        this.#sql = this.#open();
        reject(new ConnectionTimedOut("the database did not answer"));
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([statement(this.#sql), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  async end(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }
}

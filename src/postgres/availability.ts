import type { Database } from "./database.ts";
import { isConnectionLost } from "./errors.ts";

/** Milliseconds between two looks at a database that is away; varied by half, so that many processes do not come at once. */
const PROBE_INTERVAL_MS = 250;
/** Milliseconds between two looks at one that is there, so that health tells of its loss also while nobody writes. */
const HEARTBEAT_MS = 5_000;

/** Watches whether the database can be written: it asks from time to time, and often while it cannot. */
export class Availability {
  readonly #database: Pick<Database, "run">;
  readonly #onChange: (available: boolean, cause: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #available = false;
  #cause: unknown;
  #closed = false;

  /** `onChange` is called for each change, with the cause where it was lost. Nothing is asked before `begin`. */
  constructor(database: Pick<Database, "run">, onChange: (available: boolean, cause: unknown) => void) {
    this.#database = database;
    this.#onChange = onChange;
  }

  get available(): boolean {
    return this.#available;
  }

  /** Why it was lost last. */
  get cause(): unknown {
    return this.#cause;
  }

  /** The database is ready to be used: its schema is there. Until then it counts as away. */
  begin(): void {
    if (this.#closed) return;
    this.#available = true;
    this.#onChange(true, undefined);
    this.#probeLater();
  }

  /** A statement found the database away, or not writable. */
  lost(cause: unknown): void {
    if (!this.#available || this.#closed) return;
    this.#available = false;
    this.#cause = cause;
    this.#onChange(false, cause);
    this.#probeLater();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #probeLater(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const pause = this.#available ? HEARTBEAT_MS : PROBE_INTERVAL_MS;
    this.#timer = setTimeout(() => void this.#probe(), pause * (0.5 + Math.random()));
  }

  async #probe(): Promise<void> {
    try {
      const [row] = await this.#database.run((sql) =>
        sql.unsafe<{ read_only: string }[]>("SELECT current_setting('transaction_read_only') AS read_only"),
      );
      if (row?.read_only === "off") this.#found();
      else this.#missed(new Error("the database is read-only"), true);
    } catch (error) {
      this.#missed(error, isConnectionLost(error));
    }
  }

  #found(): void {
    if (!this.#available && !this.#closed) {
      this.#available = true;
      this.#onChange(true, undefined);
    }
    this.#probeLater();
  }

  /** A probe that fails for itself (no connection to spare, a timeout) says nothing about the connections that write. */
  #missed(cause: unknown, isLoss: boolean): void {
    if (this.#available && isLoss) this.lost(cause);
    else this.#probeLater();
  }
}

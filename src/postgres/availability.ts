import type { Database } from "./database.ts";

/** Milliseconds between two looks at a database that is away; varied by half, so that many processes do not come at once. */
const PROBE_INTERVAL_MS = 250;

/** Watches whether the database can be written: told when it cannot, it asks until it can again. */
export class Availability {
  readonly #database: Database;
  readonly #onChange: (available: boolean, cause: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #available = true;
  #closed = false;

  /** `onChange` is called for each change, with the cause where it was lost. */
  constructor(database: Database, onChange: (available: boolean, cause: unknown) => void) {
    this.#database = database;
    this.#onChange = onChange;
  }

  get available(): boolean {
    return this.#available;
  }

  /** A statement found the database away, or not writable. */
  lost(cause: unknown): void {
    if (!this.#available || this.#closed) return;
    this.#available = false;
    this.#onChange(false, cause);
    this.#probeLater();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #probeLater(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#probe(), PROBE_INTERVAL_MS * (0.5 + Math.random()));
  }

  async #probe(): Promise<void> {
    try {
      const [row] = await this.#database.run((sql) =>
        sql.unsafe<{ read_only: string }[]>("SELECT current_setting('transaction_read_only') AS read_only"),
      );
      if (row?.read_only !== "off") return this.#probeLater();
    } catch {
      return this.#probeLater();
    }
    if (this.#closed) return;
    this.#available = true;
    this.#onChange(true, undefined);
  }
}

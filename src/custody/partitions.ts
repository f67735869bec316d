import type { Database } from "../postgres/database.ts";
import { classifyError, sqlState } from "../postgres/errors.ts";

export interface PartitionOptions {
  /** Months after the current one that always have a partition. */
  readonly monthsAhead: number;
  /** Days of the past within which a month gets a partition when it is first needed. */
  readonly retentionDays: number;
  readonly now: () => Date;
}

/** Milliseconds until a partition that could not be made for a lock is tried again: each try holds an append up. */
const MAKE_AGAIN_MS = 60_000;

/** Month of a date, both as `YYYY-MM-DD`. */
export function monthOf(date: string): string {
  return `${date.slice(0, 7)}-01`;
}

/** The month `months` after another, as `YYYY-MM-01`. */
export function addMonths(month: string, months: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + months, 1)).toISOString().slice(0, 10);
}

/**
 * Knows which months have a partition and makes those that are wanted. Events of months that are not wanted (older than
 * the retention, or too far ahead) go to the default partition, which is emptied into a month's partition when that is made.
 */
export class Partitions {
  readonly #database: Database;
  readonly #options: PartitionOptions;
  /** Months that have a partition, or are being given one; one that could not be made is forgotten. */
  readonly #months = new Map<string, Promise<void>>();
  /** When months that could not be made for a lock are tried again, by performance.now(). */
  readonly #postponed = new Map<string, number>();

  constructor(database: Database, options: PartitionOptions) {
    this.#database = database;
    this.#options = options;
  }

  /**
   * Makes sure that these dates have a partition where they should. A partition that cannot be made for a lock is tried
   * again in a minute: the default partition takes its events meanwhile.
   */
  async ensureMonths(dates: Iterable<string>): Promise<void> {
    for (const month of new Set(Array.from(dates, monthOf))) {
      if (!this.#isWanted(month) || this.#isPostponed(month)) continue;
      try {
        await this.#make(month);
      } catch (error) {
        if (!isInTheWay(error)) throw error;
        this.#postponed.set(month, performance.now() + MAKE_AGAIN_MS);
      }
    }
  }

  /** Months after the current one that should have a partition. */
  get monthsAhead(): number {
    return this.#options.monthsAhead;
  }

  /**
   * Makes the months ahead; gives how many months after the current one have a partition without a gap: fewer than there
   * should be where a lock (a reader of the default partition, a dump) keeps one from being made, and -1 where not even the
   * current one has any. It asks the database about each: a month that somebody has dropped is made again.
   */
  async ensureAhead(): Promise<number> {
    const current = this.#currentMonth();
    for (let ahead = 0; ahead <= this.#options.monthsAhead; ahead++) {
      const month = addMonths(current, ahead);
      try {
        this.#months.delete(month);
        await this.#make(month);
      } catch (error) {
        if (!isInTheWay(error)) throw error;
        return ahead - 1;
      }
    }
    return this.#options.monthsAhead;
  }

  /** Rows in the default partition, counted up to 1,000: more than a few mean clocks that are wrong. */
  async countDefaultRows(): Promise<number> {
    const [row] = await this.#database.run((sql) =>
      sql.unsafe<{ rows: number }[]>(
        "SELECT count(*)::int AS rows FROM (SELECT FROM audit_events_default LIMIT 1000) AS counted",
      ),
    );
    return row?.rows ?? 0;
  }

  #make(month: string): Promise<void> {
    const known = this.#months.get(month);
    if (known !== undefined) return known;
    const making = this.#database.run(async (sql) => {
      await sql.unsafe("SELECT create_audit_events_month($1::text::date)", [month]);
    });
    this.#months.set(month, making);
    making.catch(() => this.#months.delete(month));
    return making;
  }

  #isWanted(month: string): boolean {
    const { now, retentionDays, monthsAhead } = this.#options;
    const oldest = new Date(now().getTime() - retentionDays * 86_400_000).toISOString().slice(0, 10);
    return month >= monthOf(oldest) && month <= addMonths(this.#currentMonth(), monthsAhead);
  }

  #isPostponed(month: string): boolean {
    const until = this.#postponed.get(month);
    if (until === undefined) return false;
    if (performance.now() < until) return true;
    this.#postponed.delete(month);
    return false;
  }

  #currentMonth(): string {
    return monthOf(this.#options.now().toISOString().slice(0, 10));
  }
}

/** Whether somebody else's lock, or a row that reached the default partition meanwhile, kept a partition from being made. */
function isInTheWay(error: unknown): boolean {
  return classifyError(error) === "again" || sqlState(error) === "23514";
}

import type postgres from "postgres";
import { Fault } from "../fault.ts";
import type { Database } from "./database.ts";
import { classifyError, isConnectionLost } from "./errors.ts";
import type { Statement } from "./statement.ts";

/** Rows fetched at once where nothing else is asked for: a page of large rows stops after a few. */
const ROWS_AT_ONCE = 32;
/** A connection that is lost later than this has kept the caller waiting long enough. */
const TRY_AGAIN_MS = 500;
const RETRY_AFTER_MS = 1000;

/**
 * The rows of a statement that reads. It is cancelled in the database when `signal` is aborted, and run once more where its
 * connection is lost soon: another one may be good.
 *
 * @throws Fault `unavailable` when the database cannot answer now; the reason of `signal` when that is aborted.
 */
export async function readRows<R extends object>(
  database: Database,
  statement: Statement,
  signal: AbortSignal,
): Promise<readonly R[]> {
  return read<R, readonly R[]>(database, statement, signal, async (pending) => {
    const rows: R[] = [];
    await pending.forEach((row) => void rows.push(row));
    return rows;
  });
}

/**
 * Calls `take` for each row until it gives false, and fetches only a few more rows than that. True: it did, so there may be
 * more. Ends and fails as readRows does; it is not run once more when a row was given.
 */
export async function readEach<R extends object>(
  database: Database,
  statement: Statement,
  signal: AbortSignal,
  take: (row: R) => boolean,
  rowsAtOnce = ROWS_AT_ONCE,
): Promise<boolean> {
  return read<R, boolean>(database, statement, signal, async (pending, onRow, close) => {
    let enough = false;
    let failure: { readonly cause: unknown } | undefined;
    // What is thrown here would end the connection, and not the call.
    const onEach = (row: R) => {
      if (enough) return;
      onRow();
      try {
        enough = !take(row);
      } catch (cause) {
        enough = true;
        failure = { cause };
      }
    };
    // cursor() returns the query itself, which its type does not say.
    const fetched = pending.cursor(rowsAtOnce, () => (enough ? close : undefined)) as unknown as typeof pending;
    await fetched.forEach(onEach);
    if (failure !== undefined) throw failure.cause;
    return enough;
  });
}

/**
 * `consume` takes the rows one by one (forEach): where postgres.js collects them and the statement is cancelled among them, the
 * next statement of the connection, whosever it is, gets an array with as many holes at its beginning.
 */
async function read<R extends object, T>(
  database: Database,
  { text, parameters, prepare = true }: Statement,
  signal: AbortSignal,
  consume: (pending: postgres.PendingQuery<R[]>, onRow: () => void, close: object) => Promise<T>,
): Promise<T> {
  let begun = false;
  const started = performance.now();
  const attempt = () =>
    database.run((sql) => {
      const pending = sql.unsafe<R[]>(text, [...parameters], { prepare });
      return cancellable(pending, signal, () =>
        consume(
          pending,
          () => {
            begun = true;
          },
          sql.CLOSE,
        ),
      );
    });
  try {
    return await attempt().catch((error: unknown) => {
      const late = performance.now() - started > TRY_AGAIN_MS;
      if (begun || late || signal.aborted || !isConnectionLost(error)) throw error;
      return attempt();
    });
  } catch (error) {
    signal.throwIfAborted();
    throw classifyError(error) === "transient" || classifyError(error) === "again" ? unreadable(error) : error;
  }
}

/** Runs a statement; when `signal` is aborted it rejects at once and the statement is cancelled in the database. */
async function cancellable<T>(pending: object, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => {
    cancel(pending);
    aborted.reject(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([run(), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Cancels a statement over a connection of its own. What postgres.js makes of that connection's end is nobody's concern, but
 * its cancel() lets nobody catch it.
 */
function cancel(pending: object): void {
  const query = pending as { canceller?: ((query: unknown) => Promise<void>) | null };
  const canceller = query.canceller;
  query.canceller = null;
  canceller?.(pending).catch(() => {});
}

function unreadable(cause: unknown): Fault {
  const details = { reason: "DATABASE_UNAVAILABLE", retryAfterMs: RETRY_AFTER_MS, cause };
  return new Fault("unavailable", "the database cannot be read now", details);
}

/**
 * What an error of the database means for the one who sent the statement.
 *
 * - `transient`: the database cannot do it now; the statement may work later, unchanged. Its fate is unknown.
 * - `again`: it lost a race (serialization failure, deadlock, lock timeout); nothing was written; try at once.
 * - `permanent`: this data can never be stored; nothing was written.
 * - `defect`: the schema or the statement is wrong; nothing was written. An operator must look.
 */
export type ErrorClass = "transient" | "again" | "permanent" | "defect";

/** SQLSTATEs and classes by https://www.postgresql.org/docs/18/errcodes-appendix.html. */
const AGAIN = new Set(["40001", "40P01", "55P03"]);
const TRANSIENT_STATES = new Set(["25006", "57014"]);
const TRANSIENT_CLASSES = new Set(["08", "53", "58"]);
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** The SQLSTATE of an error that the server reported; undefined for one of the connection. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  const reported = (error as { severity?: unknown } | null)?.severity !== undefined;
  return reported && typeof code === "string" && SQLSTATE.test(code) ? code : undefined;
}

/** Classes an error of postgres.js: by its SQLSTATE where the server reported one, else as a lost connection. */
export function classifyError(error: unknown): ErrorClass {
  const state = sqlState(error);
  if (state === undefined) return isConnectionError(error) ? "transient" : "defect";
  if (AGAIN.has(state)) return "again";
  if (TRANSIENT_STATES.has(state) || TRANSIENT_CLASSES.has(state.slice(0, 2)) || state.startsWith("57P"))
    return "transient";
  // A row for which there is no partition names no constraint: the partition may be made, and the row be stored, later.
  if (state === "23514" && !namesConstraint(error)) return "transient";
  // Ids are told apart before the insert: a key that is met twice all the same means that the tables contradict each other.
  if (state === "23505") return "defect";
  if (state.startsWith("22") || state.startsWith("23") || state.startsWith("54")) return "permanent";
  // A trigger of the operator's own says no to this row: ours raise other states.
  if (state === "P0001") return "permanent";
  return "defect";
}

/** Whether an error means that its connection is gone, and nothing about the statement. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined ? isConnectionError(error) : state.startsWith("08") || state.startsWith("57P");
}

function namesConstraint(error: unknown): boolean {
  return Boolean((error as { constraint_name?: string }).constraint_name);
}

/**
 * postgres.js names its own errors CONNECTION_…, CONNECT_TIMEOUT, SASL_…; the rest come from node:net and node:dns (ECONNRESET,
 * ENOTFOUND) and node:tls. Other errors of Node (ERR_INVALID_ARG_TYPE) are defects of ours, and so are those of files, which
 * name a path: a migration that cannot be read does not come back by waiting.
 */
const CONNECTION_ERROR = /^(CONNECT|SASL|AUTH_TYPE_NOT_IMPLEMENTED$|E(?!RR_)|ERR_(SOCKET|SSL|STREAM|TLS))/;

function isConnectionError(error: unknown): boolean {
  const { code, path } = (error ?? {}) as { code?: unknown; path?: unknown };
  return typeof code === "string" && CONNECTION_ERROR.test(code) && path === undefined;
}

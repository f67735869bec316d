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
  return "defect";
}

function namesConstraint(error: unknown): boolean {
  return Boolean((error as { constraint_name?: string }).constraint_name);
}

/** postgres.js names its own errors CONNECTION_…, CONNECT_TIMEOUT; the rest come from node:net, node:dns and node:tls. */
function isConnectionError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== "string") return false;
  return (
    code.startsWith("CONNECT") ||
    code.startsWith("E") ||
    code.startsWith("SASL") ||
    code === "AUTH_TYPE_NOT_IMPLEMENTED"
  );
}

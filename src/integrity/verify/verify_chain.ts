import type { ChainReport } from "./chain_report.ts";

export type { ChainFault, ChainFaultKind, ChainReport } from "./chain_report.ts";

/** What a verification works on. */
export interface VerifyChainParts {
  readonly databaseUrl: string;
  /** Milliseconds that one statement may run; a verification is many. */
  readonly statementTimeoutMs: number;
}

/**
 * Recomputes a chain of any length from its stored rows, and holds it against its head and against the log: all of it as it
 * was at one moment. Takes a connection of its own for the while, and memory for a few pages of rows.
 *
 * @throws Fault `not_found` (CHAIN_NOT_FOUND) when neither events nor head nor log know the correlation; `unavailable` when
 *   the database cannot be read; the reason of `signal`. What is wrong in the chain is never thrown.
 */
export async function verifyChain(
  parts: VerifyChainParts,
  correlationId: string,
  signal: AbortSignal,
): Promise<ChainReport> {
  throw new Error(`not yet: ${parts.databaseUrl} ${correlationId} ${signal.aborted}`);
}

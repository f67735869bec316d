import { Fault } from "../../fault.ts";

/** A change that the state of the catalog does not allow. The message says what to do instead. */
export function refusal(reason: string, message: string, metadata: Readonly<Record<string, string>>): Fault {
  return new Fault("precondition", message, { reason, metadata });
}

/**
 * Compares the etag that a caller gave, if any, with that of the row which it is meant for.
 *
 * @throws Fault `aborted` (ETAG_MISMATCH).
 */
export function checkEtag(etag: string, row: { readonly revision: string } | undefined, thing: string): void {
  if (etag === "" || etag === row?.revision) return;
  const now = row === undefined ? "it is not registered" : `its etag is ${JSON.stringify(row.revision)}`;
  throw new Fault(
    "aborted",
    `${thing} is not in the state that the etag ${JSON.stringify(etag)} names: ${now} now. Read it again and decide anew`,
    { reason: "ETAG_MISMATCH", ...(row && { metadata: { etag: row.revision } }) },
  );
}

import { Fault } from "../../fault.ts";
import type { LogReader } from "../../integrity/log/log_reader.ts";
import { type Checkpoint, parseCheckpoint } from "../../integrity/note/checkpoint.ts";
import { parseNote, type Signer } from "../../integrity/note/signed_note.ts";
import type { SealingStatus } from "../../integrity/sealing/sealing_options.ts";

/** What tells how far an export may go. */
export interface StandingParts {
  readonly log: Pick<LogReader, "state" | "settled">;
  /** Undefined: this service signs no bundles. */
  readonly exportSigner: () => Signer | undefined;
  readonly sealingStatus: () => SealingStatus;
}

/** The checkpoint of a bundle, and who signs its manifest. */
export interface Standing {
  readonly checkpoint: Checkpoint;
  readonly note: string;
  readonly signer: Signer;
}

const SETTLE_TIMEOUT_MS = 10_000;
const RETRY_AFTER_MS = 1000;

/**
 * The size of the log when everything that was recorded before has its place.
 *
 * @throws Fault `unavailable` (LOG_BEHIND) when that takes longer than ten seconds.
 */
export async function settledSize({ log }: StandingParts, signal: AbortSignal): Promise<number> {
  if (!(await log.settled({ covered: false, timeoutMs: SETTLE_TIMEOUT_MS, signal }))) throw behind("place in the log");
  return (await log.state(signal)).size;
}

/**
 * A published checkpoint that covers everything that was recorded before.
 *
 * @throws Fault `precondition` (NO_CHECKPOINT) when there is none and none will come; `unavailable` (LOG_BEHIND) when it takes
 * longer than ten seconds.
 */
export async function settledCheckpoint(parts: StandingParts, signal: AbortSignal): Promise<Standing> {
  refuseUnsigned(parts);
  const covered = await parts.log.settled({ covered: true, timeoutMs: SETTLE_TIMEOUT_MS, signal });
  refuseUnsigned(parts);
  // Soon after the start it is not known yet; by now it is.
  const signer = parts.exportSigner();
  if (signer === undefined) throw noCheckpoint("this service does not have the log's key (DATASTORAGE_LOG_KEY)");
  const { publishedNote: note } = await parts.log.state(signal);
  if (note === undefined) throw noCheckpoint("the log has not published one yet");
  if (!covered) throw behind("signed checkpoint over it");
  return { checkpoint: parseCheckpoint(parseNote(note).text), note, signer };
}

const REFUSALS: Readonly<Partial<Record<SealingStatus, string>>> = {
  no_key: "this service has no key for the log (DATASTORAGE_LOG_KEY)",
  other_origin: "DATASTORAGE_LOG_ORIGIN is another origin than the one in use, so the log is not signed",
  contradicted: "the log contradicts a checkpoint that was signed before, so it is not signed until that is resolved",
};

function refuseUnsigned({ sealingStatus }: StandingParts): void {
  const refusal = REFUSALS[sealingStatus()];
  if (refusal !== undefined) throw noCheckpoint(refusal);
}

function noCheckpoint(why: string): Fault {
  const message = `a bundle needs a signed checkpoint: ${why}; other formats need none`;
  return new Fault("precondition", message, { reason: "NO_CHECKPOINT" });
}

function behind(what: string): Fault {
  const message = `what was recorded has no ${what} after ${SETTLE_TIMEOUT_MS / 1000} seconds`;
  return new Fault("unavailable", message, { reason: "LOG_BEHIND", retryAfterMs: RETRY_AFTER_MS });
}

import { failpoint } from "../../failpoint.ts";
import type { Database } from "../../postgres/database.ts";
import type { Checkpoint } from "../note/checkpoint.ts";
import { parseCheckpoint } from "../note/checkpoint.ts";
import { noteText, parseNote, type Signature, type SignedNote } from "../note/signed_note.ts";
import type { KeptOutside } from "./kept_outside.ts";
import { type LogSigners, signCheckpoint } from "./log_signers.ts";
import { type SealingState, storePublished, storeSigned } from "./statements.ts";
import type { Witness } from "./witness.ts";

export interface PublicationParts {
  readonly database: Database;
  readonly kept: KeptOutside;
  readonly witnesses: readonly Witness[];
  /** Aborted when witnesses are to be waited for no longer. */
  readonly signal: AbortSignal;
}

/** A checkpoint that the world sees. */
export interface Published {
  readonly checkpoint: Checkpoint;
  readonly note: SignedNote;
}

/** The one that the database has; absent where there is none. */
export function publishedOf({ publishedNote }: Pick<SealingState, "publishedNote">): Published | undefined {
  if (publishedNote === undefined) return undefined;
  const note = parseNote(publishedNote);
  return { checkpoint: parseCheckpoint(note.text), note };
}

/**
 * Takes a checkpoint all the way: signed, written down in the database, kept outside of it where that can be done, witnessed,
 * published.
 *
 * @returns undefined where the database holds another tree, or has signed or published what this does not follow.
 * @throws what the database throws: it is then not known how far it came.
 */
export async function publish(
  parts: PublicationParts,
  signers: LogSigners,
  checkpoint: Checkpoint,
): Promise<Published | undefined> {
  const { database, kept } = parts;
  const own = signCheckpoint(signers, checkpoint);
  failpoint("log.sign");
  if ((await storeSigned(database, { ...checkpoint, note: noteText(own) })) !== "signed") return undefined;
  failpoint("log.signed");
  await kept.write(noteText(own));
  failpoint("log.kept");
  const cosignatures = await cosign(parts, parts.witnesses, checkpoint, own);
  return release(database, { checkpoint, note: { ...own, signatures: [...own.signatures, ...cosignatures] } });
}

/**
 * Asks witnesses again that have not cosigned what is published. Gives what is then published: as it was where none cosigned.
 *
 * @returns undefined, and throws, as publish.
 */
export async function cosignLate(parts: PublicationParts, published: Published): Promise<Published | undefined> {
  const { checkpoint, note } = published;
  const own = { text: note.text, signatures: note.signatures };
  const cosignatures = await cosign(parts, witnessesToAsk(parts.witnesses, published), checkpoint, own);
  if (cosignatures.length === 0) return published;
  return release(parts.database, { checkpoint, note: { ...note, signatures: [...note.signatures, ...cosignatures] } });
}

/** Witnesses that have not cosigned what is published, and may be asked now. */
export function witnessesToAsk(witnesses: readonly Witness[], { note }: Published): Witness[] {
  return witnesses.filter(
    ({ paused, verifier }) =>
      !paused && !note.signatures.some(({ name, keyId }) => name === verifier.name && keyId.equals(verifier.keyId)),
  );
}

/** Waits for witnesses that cosigned the last time. Of one that failed it is found out meanwhile whether it works again. */
async function cosign(
  { signal }: PublicationParts,
  witnesses: readonly Witness[],
  checkpoint: Checkpoint,
  note: SignedNote,
): Promise<Signature[]> {
  const answers = witnesses.map((witness) => {
    const { failing } = witness;
    const answer = witness.cosign(checkpoint, note, signal);
    return failing ? undefined : answer;
  });
  const asked = await Promise.all(answers);
  return asked.filter((signature) => signature !== undefined);
}

async function release(database: Database, published: Published): Promise<Published | undefined> {
  const { origin, size } = published.checkpoint;
  const done = await storePublished(database, { origin, size, note: noteText(published.note) });
  failpoint("log.published");
  return done ? published : undefined;
}

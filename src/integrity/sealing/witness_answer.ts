import type { Checkpoint } from "../note/checkpoint.ts";
import { parseNote, type Signature, type Verifier, verifyNote } from "../note/signed_note.ts";

/** What a witness said to a checkpoint (C2SP tlog-witness, add-checkpoint). */
export type WitnessAnswer =
  /** It has cosigned it. */
  | { readonly kind: "cosigned"; readonly signature: Signature }
  /** The tree that it cosigned last has another size than it was told. */
  | { readonly kind: "other_size"; readonly size: number }
  /** What it has cosigned contradicts the checkpoint. */
  | { readonly kind: "contradicted"; readonly reason: string }
  /** It did not do it, for a reason that says nothing about the tree. */
  | { readonly kind: "refused"; readonly reason: string };

/** An answer as HTTP has it. */
export interface HttpAnswer {
  readonly status: number;
  /** Content-Type. */
  readonly type: string;
  readonly body: string;
}

/** Content type of the size in an answer 409. */
const SIZE_TYPE = "text/x.tlog.size";
const LONGEST_SHOWN = 200;

/**
 * Reads the answer to a checkpoint that was sent with the old size `old`. `text` is the text of the checkpoint's note.
 *
 * @throws NoteError where the answer holds no signature of the witness, or a wrong one.
 */
export function readWitnessAnswer(
  { status, type, body }: HttpAnswer,
  { size, old, text, verifier }: Pick<Checkpoint, "size"> & { old: number; text: string; verifier: Verifier },
): WitnessAnswer {
  if (status === 200) {
    const [verified] = verifyNote(parseNote(`${text}\n${body}`), [verifier]);
    if (verified !== undefined) return { kind: "cosigned", signature: verified.signature };
  }
  if (status === 409 && type.split(";")[0]?.trim().toLowerCase() === SIZE_TYPE && /^\d{1,15}\n?$/.test(body)) {
    const known = Number(body);
    if (known > size) return contradicted(`it has cosigned ${known} entries, and the log has ${size}`);
    if (known !== old) return { kind: "other_size", size: known };
  }
  if (status === 409 && old === size) return contradicted(`it has cosigned another root for ${size} entries`);
  if (status === 422)
    return contradicted(`what it has cosigned of ${old} entries is not how this tree of ${size} begins`);
  const reasons: Readonly<Record<number, string>> = {
    403: "it does not know the log's key",
    404: "it does not know the log's origin",
  };
  return {
    kind: "refused",
    reason: reasons[status] ?? `it answered ${status}: ${JSON.stringify(body.slice(0, LONGEST_SHOWN))}`,
  };
}

function contradicted(reason: string): WitnessAnswer {
  return { kind: "contradicted", reason };
}

/** A note, checkpoint, proof or key that is not written as its specification says, or a signature that does not verify. */
export class NoteError extends Error {
  override readonly name = "NoteError";
}

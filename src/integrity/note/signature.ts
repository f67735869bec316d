/** A signature below a note. */
export interface Signature {
  /** Name of the key. */
  readonly name: string;
  /** Its id, 4 bytes; name and id together tell which key it was. */
  readonly keyId: Buffer;
  /** What the key's algorithm wrote, without the key id. */
  readonly bytes: Buffer;
}

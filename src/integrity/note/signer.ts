import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { CONTROL_CHARACTER } from "./control_character.ts";
import { NoteError } from "./note_error.ts";
import type { Signature } from "./signature.ts";
import { cosignedText, type SignatureType, TIME_BYTES, type Verifier, verifierOf } from "./verifier.ts";

/** A private key that signs notes. */
export interface Signer {
  /** Its public half. */
  readonly verifier: Verifier;
  /** @throws NoteError when no note can have that text. */
  sign(text: string): Signature;
}

/**
 * Signs texts of notes as they are (type 1).
 *
 * @throws NoteError when the key is no Ed25519 private key, or no key may have that name.
 */
export function ed25519Signer(name: string, privateKey: KeyObject): Signer {
  return signerOf(name, 1, privateKey, (text) => sign(null, Buffer.from(text), privateKey));
}

/**
 * Signs texts of checkpoints together with the time (type 4).
 *
 * @param nowS the time, in whole seconds since the epoch.
 * @throws NoteError when the key is no Ed25519 private key, or no key may have that name.
 */
export function cosigner(name: string, privateKey: KeyObject, nowS: () => number): Signer {
  return signerOf(name, 4, privateKey, (text) => {
    const time = BigInt(nowS());
    const bytes = Buffer.alloc(TIME_BYTES);
    bytes.writeBigUInt64BE(time);
    return Buffer.concat([bytes, sign(null, Buffer.from(cosignedText(time, text)), privateKey)]);
  });
}

function signerOf(
  name: string,
  type: SignatureType,
  privateKey: KeyObject,
  signature: (text: string) => Buffer,
): Signer {
  if (privateKey.type !== "private" || privateKey.asymmetricKeyType !== "ed25519") {
    throw new NoteError(`the key of ${name} must be an Ed25519 private key`);
  }
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  const verifier = verifierOf(name, type, Buffer.from(x as string, "base64url"));
  return {
    verifier,
    sign(text) {
      if (!text.endsWith("\n") || !text.isWellFormed() || CONTROL_CHARACTER.test(text)) {
        throw new NoteError("the text of a note must end with a line feed and hold no other control characters");
      }
      return { name, keyId: verifier.keyId, bytes: signature(text) };
    },
  };
}

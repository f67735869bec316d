import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { decodeBase64 } from "./base64.ts";
import { CONTROL_CHARACTER } from "./control_character.ts";
import { NoteError } from "./note_error.ts";

/** Signature types of C2SP signed-note that are known here: Ed25519, and Ed25519 cosignatures with a time. */
export type SignatureType = 1 | 4;

/** A public key that a note may be signed with. */
export interface Verifier {
  readonly name: string;
  /** 4 bytes, made of name, type and key. */
  readonly keyId: Buffer;
  /** 1: Ed25519 (signed-note); 4: Ed25519 with a time (tlog-cosignature). */
  readonly type: SignatureType;
  /** `<name>+<key id in hex>+<base64 of type and key>`: what auditors are given. */
  readonly verifierKey: string;
  /** Whether a signature, without its key id, is one of this key under this text. */
  verify(text: string, signature: Buffer): boolean;
  /** For type 4: when it was signed, in seconds since the epoch, as a signature that verified says. */
  timestampOf?(signature: Buffer): number;
}

/**
 * Reads a verifier key.
 *
 * @throws NoteError when it is none, its key id is not that of its key, or its type is not known here.
 */
export function parseVerifierKey(vkey: string): Verifier {
  const [, name, keyId, encoded] = VERIFIER_KEY.exec(vkey) ?? [];
  if (name === undefined || keyId === undefined || encoded === undefined) {
    throw new NoteError("a verifier key must be `<name>+<key id in 8 hex digits>+<base64 of type and public key>`");
  }
  const material = decodeBase64(encoded);
  const type = material?.[0];
  if (type !== 1 && type !== 4)
    throw new NoteError(`verifier key ${name}: type must be 1 (Ed25519) or 4 (Ed25519 cosignature)`);
  if (material?.length !== 1 + PUBLIC_KEY_BYTES)
    throw new NoteError(`verifier key ${name}: an Ed25519 key has ${PUBLIC_KEY_BYTES} bytes`);
  const verifier = verifierOf(name, type, material.subarray(1));
  if (verifier.keyId.toString("hex") !== keyId)
    throw new NoteError(`verifier key ${name}: key id ${keyId} is not that of its key`);
  return verifier;
}

/**
 * The verifier of a public key under a name.
 *
 * @param publicKey its 32 bytes.
 * @throws NoteError when no key may have that name.
 */
export function verifierOf(name: string, type: SignatureType, publicKey: Buffer): Verifier {
  if (!KEY_NAME.test(name) || CONTROL_CHARACTER.test(name) || !name.isWellFormed())
    throw new NoteError("a key's name must not be empty, nor hold spaces, plus or control characters");
  const material = Buffer.concat([Buffer.of(type), publicKey]);
  const keyId = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), material]), "buffer").subarray(0, 4);
  const verifierKey = `${name}+${keyId.toString("hex")}+${material.toString("base64")}`;
  const key = createPublicKey({
    format: "jwk",
    key: { kty: "OKP", crv: "Ed25519", x: publicKey.toString("base64url") },
  });
  const common = { name, keyId, verifierKey };
  if (type === 1) return { ...common, type, verify: (text, signature) => verifies(key, text, signature) };
  return {
    ...common,
    type,
    verify: (text, signature) => {
      if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return false;
      const time = signature.readBigUInt64BE();
      return time < 2n ** 63n && verifies(key, cosignedText(time, text), signature.subarray(TIME_BYTES));
    },
    timestampOf: (signature) => Number(signature.readBigUInt64BE()),
  };
}

/** What a cosigner of type 4 signs: that it saw this text at that time, in seconds since the epoch (C2SP tlog-cosignature). */
export function cosignedText(time: bigint, text: string): string {
  return `cosignature/v1\ntime ${time}\n${text}`;
}

function verifies(key: KeyObject, text: string, signature: Buffer): boolean {
  return verify(null, Buffer.from(text), key, signature);
}

/** Bytes of the time before a cosignature. */
export const TIME_BYTES = 8;

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_NAME = /^[^\p{White_Space}+]+$/u;
const VERIFIER_KEY = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/;

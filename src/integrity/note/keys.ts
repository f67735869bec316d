import { createPrivateKey, generateKeyPairSync, hkdfSync, type KeyObject } from "node:crypto";

/**
 * Reads Ed25519 private keys: PKCS#8 PEM, one block after the other, as `openssl genpkey -algorithm ed25519` writes them.
 * What stands between the blocks is passed over. `\n` may stand for line feeds, as in a value of the environment.
 *
 * @throws Error that says which block is wrong and why, and nothing of what is in it.
 */
export function readPrivateKeys(pem: string): KeyObject[] {
  const blocks = pem.replaceAll("\\n", "\n").match(PEM_BLOCK) ?? [];
  if (blocks.length === 0) {
    throw new Error(
      "no PEM block is in it: an Ed25519 private key is needed, as `openssl genpkey -algorithm ed25519` writes it",
    );
  }
  const keys = blocks.map(readBlock);
  for (const [place, key] of keys.entries()) {
    const same = keys.findIndex((other) => other.equals(key));
    if (same < place) throw new Error(`PEM blocks ${same + 1} and ${place + 1} hold the same key`);
  }
  return keys;
}

/**
 * The key for another purpose that belongs to a private key: its Ed25519 seed is HKDF-SHA-256 (RFC 5869) of the other's
 * seed, without salt, with the info `kubernaut.audit.<purpose>/v1`. So one secret is kept, and no two purposes share a key.
 */
export function deriveKey(seedKey: KeyObject, purpose: "cosigner" | "export"): KeyObject {
  const seed = Buffer.from(seedKey.export({ format: "jwk" }).d as string, "base64url");
  return privateKeyOf(Buffer.from(hkdfSync("sha256", seed, "", `kubernaut.audit.${purpose}/v1`, SEED_BYTES)));
}

/** A new Ed25519 private key as PKCS#8 PEM. */
export function newPrivateKey(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }) as string;
}

/**
 * The private key of an Ed25519 seed (RFC 8032, 5.1.5).
 *
 * @param seed 32 bytes.
 */
export function privateKeyOf(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_BEFORE_SEED, seed]), format: "der", type: "pkcs8" });
}

function readBlock(block: string, place: number): KeyObject {
  const label = (/^-----BEGIN ([^\n-]+)-----/.exec(block) as unknown as [string, string])[1];
  if (label !== "PRIVATE KEY") {
    throw new Error(`PEM block ${place + 1} is labelled ${label}: it must be a PRIVATE KEY (PKCS#8, not encrypted)`);
  }
  const key = decoded(block, place);
  if (key.asymmetricKeyType !== "ed25519") {
    throw new Error(`PEM block ${place + 1} holds a key for ${key.asymmetricKeyType}: it must be one for ed25519`);
  }
  return key;
}

function decoded(block: string, place: number): KeyObject {
  try {
    return createPrivateKey(block);
  } catch {
    throw new Error(`PEM block ${place + 1} cannot be read as a private key`);
  }
}

const PEM_BLOCK = /-----BEGIN ([^\n-]+)-----\r?\n[^-]*-----END \1-----/g;
const SEED_BYTES = 32;
// PrivateKeyInfo of RFC 8410 up to the seed.
const PKCS8_BEFORE_SEED = Buffer.from("302e020100300506032b657004220420", "hex");

import { NoteError, parseNote, type SignedNote, type Verifier, verifyNote } from "../note/signed_note.ts";
import { Flaw } from "./flaw.ts";
import type { CheckedKey } from "./report.ts";

/** Reads a signed note of a file. @throws Flaw when it is none. */
export function readNote(text: string, file: string): SignedNote {
  try {
    return parseNote(text);
  } catch (cause) {
    throw asFlaw(cause, file);
  }
}

/** What a NoteError says, as a flaw of a file; anything else as it is. */
export function asFlaw(error: unknown, file: string): unknown {
  return error instanceof NoteError ? new Flaw(error.message, { file }, { cause: error }) : error;
}

/** The public keys that signatures of one log are checked with: those that were given, and those that came with what is checked. */
export class KnownKeys {
  readonly #origin: string;
  readonly #given: readonly Verifier[];
  readonly #all: readonly Verifier[];

  constructor(origin: string, given: readonly Verifier[], carried: readonly Verifier[] = []) {
    this.#origin = origin;
    this.#given = given;
    const isGiven = new Set(given.map(({ verifierKey }) => verifierKey));
    this.#all = [...given, ...carried.filter(({ verifierKey }) => !isGiven.has(verifierKey))];
  }

  /**
   * Whose signatures on a checkpoint hold: log, cosigner and witnesses.
   *
   * @throws Flaw where a known key's signature is wrong, or none of a known key is there.
   */
  checkpointKeys(note: SignedNote, file: string): CheckedKey[] {
    return this.#check(note, file, mayCheckpoint);
  }

  /** Whose signatures on a manifest hold. @throws Flaw as checkpointKeys. */
  manifestKeys(note: SignedNote, file: string): CheckedKey[] {
    return this.#check(note, file, (purpose) => purpose === "export");
  }

  /**
   * Whether keys that were given vouch, of those whose signatures hold. Where a key of the log's own was given, a witness alone does
   * not: it may have seen another log under this name.
   */
  vouched(used: readonly CheckedKey[]): boolean {
    const isOwn = (purpose: string | undefined) => purpose !== undefined && purpose !== "witness";
    const ownGiven = this.#given.some((verifier) => isOwn(this.purposeOf(verifier)));
    return used.some(({ given, purpose }) => given && (isOwn(purpose) || !ownGiven));
  }

  /** Names of the keys that were given and are not among `used`. */
  unused(used: readonly CheckedKey[]): string[] {
    const keys = new Set(used.map(({ verifierKey }) => verifierKey));
    return this.#given.filter(({ verifierKey }) => !keys.has(verifierKey)).map(({ name }) => name);
  }

  /** What a key signs for this log, by its name and type; undefined where it can sign nothing of it. */
  purposeOf({ name, type }: Verifier): CheckedKey["purpose"] | undefined {
    if (type === 4) return name === `${this.#origin}/cosigner` ? "cosigner" : "witness";
    if (name === this.#origin) return "log";
    return name === `${this.#origin}/export` ? "export" : undefined;
  }

  #check(note: SignedNote, file: string, allowed: (purpose: string | undefined) => boolean): CheckedKey[] {
    const known = this.#all.filter((verifier) => allowed(this.purposeOf(verifier)));
    try {
      return verifyNote(note, known).map(({ verifier, signature }) => ({
        verifierKey: verifier.verifierKey,
        name: verifier.name,
        purpose: this.purposeOf(verifier) as CheckedKey["purpose"],
        given: this.#given.some(({ verifierKey }) => verifierKey === verifier.verifierKey),
        ...(verifier.timestampOf && { cosignedAt: verifier.timestampOf(signature.bytes) }),
      }));
    } catch (cause) {
      throw asFlaw(cause, file);
    }
  }
}

function mayCheckpoint(purpose: string | undefined): boolean {
  return purpose === "log" || purpose === "cosigner" || purpose === "witness";
}

/** What was signed by others than those whose keys were given. */
export function notVouched(used: readonly CheckedKey[]): Flaw {
  const others = used.filter(({ given }) => !given).map(({ verifierKey }) => verifierKey);
  const by = others.length === 0 ? "" : `: it is signed by ${others.join(" and ")}, which came with it`;
  const none = others.length === used.length ? "none of the keys" : "a witness and none of the log's keys";
  return new Flaw(`${none} that were given signed it${by}`);
}

/** Names of the keys on a note that are not among those whose signatures were checked. */
export function uncheckedNames(note: SignedNote, checked: readonly CheckedKey[]): string[] {
  const ids = new Set(checked.map(({ verifierKey }) => verifierKey.split("+", 2).join("+")));
  return note.signatures
    .filter(({ name, keyId }) => !ids.has(`${name}+${keyId.toString("hex")}`))
    .map(({ name }) => name);
}

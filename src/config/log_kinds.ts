import { parseVerifierKey } from "../integrity/note/signed_note.ts";
import type { WitnessOption } from "../integrity/sealing/witness_option.ts";
import type { Kind } from "./kinds.ts";

const ORIGIN_CHARACTERS = 200;

/** The name of a log, which is also a key's name: no white space, no control characters, no plus (C2SP signed-note). */
export const logOrigin: Kind<string> = {
  syntax: "text without spaces or `+`",
  rule: `1 to ${ORIGIN_CHARACTERS} characters without white space, control characters or +, such as audit.example.com/cluster-1`,
  parse: (text) => {
    const characters = [...text].length;
    const refused = /[\s+\p{Cc}\p{Cs}]/u.test(text) || characters < 1 || characters > ORIGIN_CHARACTERS;
    return refused ? undefined : { value: text };
  },
};

/** A private key in PEM form; what it must hold is looked at when it is used. `\n` may stand for a line break. */
export const pem: Kind<string> = {
  syntax: "PEM text, `\\n` for line breaks",
  rule: "PEM text: -----BEGIN PRIVATE KEY-----, base64, -----END PRIVATE KEY-----",
  parse: (text) => {
    const lines = text.replaceAll("\\n", "\n");
    return /-----BEGIN [A-Z ]+-----/.test(lines) ? { value: lines } : undefined;
  },
};

/** Witnesses, each `KEY@URL`, with spaces or commas between. */
export const witnesses: Kind<readonly WitnessOption[]> = {
  syntax: "`KEY@URL`, several with spaces or commas between",
  rule:
    "one or more KEY@URL with spaces or commas between, each with another key: KEY is the verifier key of a timestamped Ed25519 cosignature " +
    "(name+hash+base64 of the type 04), URL begins with https:// or http://",
  parse: (text) => {
    const parsed = text.split(/[\s,]+/).map(parseWitness);
    const known = parsed.filter((witness) => witness !== undefined);
    const distinct = new Set(known.map(({ verifierKey }) => verifierKey)).size;
    return distinct === parsed.length ? { value: known } : undefined;
  },
};

function parseWitness(text: string): WitnessOption | undefined {
  const { verifierKey = "", url = "" } = /^(?<verifierKey>.+?)@(?<url>https?:\/\/.+)$/.exec(text)?.groups ?? {};
  try {
    return parseVerifierKey(verifierKey).type === 4 && URL.canParse(url)
      ? { verifierKey, url: url.replace(/\/+$/, "") }
      : undefined;
  } catch {
    return undefined;
  }
}

import { canonicalText, type JsonObject } from "../canonical.ts";
import { sha256 } from "../event_digest.ts";
import { NoteError, parseVerifierKey, type Verifier } from "../note/signed_note.ts";
import type { ReadFile } from "./bundle_files.ts";
import { Flaw } from "./flaw.ts";
import { COUNT, checkMembers, HASH, LIST, members, OBJECT, optional, parseObject, TEXT } from "./members.ts";

/** Names the form of a bundle; another form gets another name. */
export const BUNDLE_FORM = "kubernaut.audit.bundle/v1";

export const MANIFEST = "manifest.json";
export const MANIFEST_NOTE = "manifest.note";

/** What an export says of itself. */
export interface Manifest {
  readonly origin: string;
  readonly tree_size: number;
  /** In hex. */
  readonly root: string;
  readonly export_id: string;
  readonly created: string;
  readonly filter: JsonObject;
  readonly events: number;
  readonly removed: number;
  readonly first_log_index?: number;
  readonly last_log_index?: number;
  readonly files: readonly ReadFile[];
  /** The log's own public keys, as they were read. */
  readonly keys: readonly Verifier[];
}

const SHAPE = members({
  form: { is: (value) => value === BUNDLE_FORM, text: JSON.stringify(BUNDLE_FORM) },
  origin: TEXT,
  tree_size: COUNT,
  root: HASH,
  export_id: TEXT,
  created: TEXT,
  filter: OBJECT,
  events: COUNT,
  removed: COUNT,
  first_log_index: optional(COUNT),
  last_log_index: optional(COUNT),
  files: LIST,
  verifier_keys: LIST,
});
const FILE = members({ name: TEXT, size: COUNT, sha256: HASH });
const KEY = members({ purpose: TEXT, verifier_key: TEXT });

/** Reads manifest.json. @throws Flaw where it is none, or not in its RFC 8785 form. */
export function readManifest(text: string): Manifest {
  const place = { file: MANIFEST };
  const object = parseObject(text, place);
  checkMembers(object, SHAPE, place);
  if (!isCanonical(object, text)) throw new Flaw("is not in its RFC 8785 form", place);
  const said = object as unknown as Manifest & { readonly verifier_keys: readonly unknown[] };
  for (const [index, file] of said.files.entries()) checkMembers(itemOf(file, `files[${index}]`), FILE, place);
  return {
    ...said,
    keys: said.verifier_keys.map((key, index) => readKey(key, `verifier_keys[${index}]`, said.origin)),
  };
}

function isCanonical(object: JsonObject, text: string): boolean {
  try {
    return canonicalText(object) === text;
  } catch {
    // It holds what the form excludes, or is nested deeper than anything that was exported.
    return false;
  }
}

function itemOf(item: unknown, name: string): JsonObject {
  if (OBJECT.is(item)) return item as JsonObject;
  throw new Flaw(`${name} must be an object`, { file: MANIFEST });
}

const NAMES = new Map([
  ["log", ""],
  ["cosigner", "/cosigner"],
  ["export", "/export"],
]);

function readKey(item: unknown, name: string, origin: string): Verifier {
  const place = { file: MANIFEST };
  const key = itemOf(item, name);
  checkMembers(key, KEY, place);
  const { purpose, verifier_key: text } = key as { purpose: string; verifier_key: string };
  const ending = NAMES.get(purpose);
  if (ending === undefined) throw new Flaw(`${name}.purpose must be ${[...NAMES.keys()].join(", ")}`, place);
  let verifier: Verifier;
  try {
    verifier = parseVerifierKey(text);
  } catch (cause) {
    throw cause instanceof NoteError ? new Flaw(`${name}: ${cause.message}`, place, { cause }) : cause;
  }
  if (verifier.name !== `${origin}${ending}` || verifier.type !== (purpose === "cosigner" ? 4 : 1)) {
    throw new Flaw(`${name} is not a key of ${origin} for the purpose ${purpose}`, place);
  }
  return verifier;
}

/** The text that the export key signs. */
export function manifestNoteText(origin: string, manifest: string): string {
  return `${BUNDLE_FORM}\n${origin}\n${sha256(manifest)}\n`;
}

/** @throws Flaw where the files that were read are not those that the manifest lists. */
export function checkFiles({ files }: Manifest, read: readonly ReadFile[]): void {
  for (const [index, { name, size, sha256: digest }] of read.entries()) {
    const listed = files[index];
    if (listed?.name !== name) throw new Flaw(`is not files[${index}] of ${MANIFEST}`, { file: name });
    if (listed.size !== size) throw new Flaw(`has ${size} bytes, and ${listed.size} by ${MANIFEST}`, { file: name });
    if (listed.sha256 !== digest)
      throw new Flaw(`was changed: its SHA-256 is not the one in ${MANIFEST}`, { file: name });
  }
  if (files.length > read.length) {
    throw new Flaw(`lists ${JSON.stringify(files[read.length]?.name)}, which the archive does not have`, {
      file: MANIFEST,
    });
  }
}

/** The correlation whose whole chain the export claims to hold: the one that its filter asks for, and for nothing else. */
export function claimedCorrelation({ filter }: Manifest): string | undefined {
  const names = Object.keys(filter);
  return names.length === 1 ? filteredCorrelation(filter) : undefined;
}

/** The correlation that the filter asks for. */
export function filteredCorrelation(filter: JsonObject): string | undefined {
  const id = filter["correlation_id"];
  return typeof id === "string" ? id : undefined;
}

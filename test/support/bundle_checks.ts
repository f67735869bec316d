// What tests of bundles share: a log, and how a bundle of it is verified.
import assert from "node:assert/strict";
import type { JsonObject } from "../../src/integrity/canonical.ts";
import type { Verifier } from "../../src/integrity/note/signed_note.ts";
import { Flaw } from "../../src/integrity/offline/flaw.ts";
import type { BundleReport } from "../../src/integrity/offline/report.ts";
import { verifyBundle } from "../../src/integrity/offline/verify_bundle.ts";
import {
  type BundleChoices,
  type BundleFile,
  bundleFiles,
  type EventObject,
  logOf,
  logSigners,
  packed,
  sealed,
} from "./bundle.ts";

const DATA: readonly JsonObject[] = [
  {},
  { fingerprint: "9d0f", occurrence_count: 1 },
  { b: [1e21, 1e-7, 0.1, -0, 5e-324, 333333333.3333333], a: { "10": null, "9": true, é: "\u{1f600}\u007f\u2028" } },
  { text: 'quote " backslash \\ control \u0001 slash /', "": [[], {}] },
];

/** Twenty events of three correlations, taking turns. */
export const LOG = logOf(
  Array.from({ length: 20 }, (_, index) => ({
    correlation: `rr-${index % 3}`,
    data: DATA[index % DATA.length] as JsonObject,
    ...(index % 4 === 1 && {
      more: { error_message: "no such pod é", error_code: "E1", severity: "high", duration_ms: 12 },
    }),
  })),
);
export const SIGNERS = logSigners();
export const LOG_KEY = SIGNERS.log.verifier;

export async function* inChunks(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

export async function verified(
  files: readonly BundleFile[],
  keys: readonly Verifier[] = [LOG_KEY],
): Promise<BundleReport> {
  return verifyBundle(inChunks(await packed(files)), { keys });
}

export const ofLog = (choices: BundleChoices = {}) => bundleFiles(LOG, choices);
export const at = (...indexes: readonly number[]) => indexes.map((index) => LOG[index] as EventObject);

/** The files with one of them changed, and nothing else. */
export function changed(files: readonly BundleFile[], name: string, change: (text: string) => string): BundleFile[] {
  assert.ok(files.some((file) => file.name === name));
  return files.map((file) =>
    file.name === name ? { name, content: Buffer.from(change(file.content.toString())) } : file,
  );
}

/** The files with a line of a part changed, and all of it signed anew: what only the holder of the keys can do. */
export function resealed(
  files: readonly BundleFile[],
  line: number,
  change: (event: EventObject) => JsonObject,
): BundleFile[] {
  return sealed(
    changed(files, "events-000001.jsonl", (text) =>
      text
        .split("\n")
        .map((json, index) => (index === line ? JSON.stringify(change(JSON.parse(json) as EventObject)) : json))
        .join("\n"),
    ),
  );
}

export async function flawOf(promise: Promise<unknown>): Promise<Flaw> {
  const error = await promise.then(
    () => assert.fail("it was found to be right"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Flaw, String((error as Error).stack));
  return error;
}

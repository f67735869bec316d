// What a real service exported of the sample remediation; service and database are gone when it is there.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newPrivateKey, readPrivateKeys } from "../../src/integrity/note/keys.ts";
import { ed25519Signer } from "../../src/integrity/note/signed_note.ts";
import { datastorage } from "../cli/datastorage.ts";
import { createDatabase } from "./database.ts";
import { startService } from "./service.ts";

/** One remediation of 90 events. */
export const SAMPLE = fileURLToPath(new URL("../../examples/remediation.jsonl", import.meta.url));
export const SAMPLE_CORRELATION = "rr-5be0c1d49a27-7c1e4f03";

/** Files that a service wrote, and the key to check them with. */
export interface ExportedSample {
  /** The public key of its log. */
  readonly verifierKey: string;
  /** The path of a file by its name. */
  path(name: string): string;
  remove(): void;
}

/** Records the sample, and runs each command with `--output` and the name of its file. */
export async function exportSample(commands: Readonly<Record<string, readonly string[]>>): Promise<ExportedSample> {
  const folder = mkdtempSync(join(tmpdir(), "datastorage-exported-"));
  const origin = "log.example/exported";
  const pem = newPrivateKey();
  const [privateKey] = readPrivateKeys(pem);
  const database = await createDatabase("exported");
  const service = await startService({
    DATABASE_URL: database.url,
    DATASTORAGE_DATA_DIR: join(folder, "data"),
    DATASTORAGE_LOG_KEY: pem,
    DATASTORAGE_LOG_ORIGIN: origin,
  });
  try {
    await run("record", SAMPLE, "--address", service.address);
    for (const [name, command] of Object.entries(commands)) {
      await run(...command, "--output", join(folder, name), "--address", service.address);
    }
  } finally {
    await service.stop();
    await database.drop();
  }
  return {
    verifierKey: ed25519Signer(origin, privateKey as NonNullable<typeof privateKey>).verifier.verifierKey,
    path: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function run(...args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await datastorage(args);
  assert.equal(code, 0, stdout + stderr);
}

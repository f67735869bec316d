import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What these tests install and generate, until node_modules is installed anew. */
const FOLDER = join(ROOT, "node_modules", ".cache", "interop");

/**
 * A folder that is made once and kept for as long as what it was made from is the same. `make` fills a folder beside it,
 * which takes its place when it is complete, so that a run that was cut short, or another at the same time, does no harm.
 */
export async function kept(
  name: string,
  madeFrom: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const digest = createHash("sha256").update(JSON.stringify(madeFrom)).digest("hex").slice(0, 16);
  const folder = join(FOLDER, `${name}-${digest}`);
  if (existsSync(folder)) return folder;
  await mkdir(FOLDER, { recursive: true });
  const draft = await mkdtemp(join(FOLDER, `draft-${name}-`));
  try {
    await make(draft);
    await rename(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  await removeOlder(name, folder);
  return folder;
}

async function removeOlder(name: string, current: string): Promise<void> {
  const older = (await readdir(FOLDER)).filter((entry) => entry.startsWith(`${name}-`) && /-[0-9a-f]{16}$/.test(entry));
  for (const entry of older) {
    if (join(FOLDER, entry) !== current) await rm(join(FOLDER, entry), { recursive: true, force: true });
  }
}

/** The text of each file, for `madeFrom`. */
export function textsOf(...files: readonly string[]): string[] {
  return files.map((file) => readFileSync(file, "utf8"));
}

/** The files of the contract, as paths below the folders that protoc looks into. */
export function contractFiles(): string[] {
  const found = readdirSync(join(ROOT, "proto"), { recursive: true, encoding: "utf8" });
  return found.filter((name) => name.endsWith(".proto")).sort();
}

/** The texts of the contract and of the rules that it is annotated with. */
export function contractTexts(): string[] {
  const contract = contractFiles().map((file) => join(ROOT, "proto", file));
  return textsOf(...contract, join(ROOT, "third_party", VALIDATION_RULES));
}

/** The part of protovalidate's rules that the contract uses, below third_party/. */
export const VALIDATION_RULES = "buf/validate/validate.proto";

import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../exit_code.ts";

/** A file that may hold objects of the catalog, or standard input. */
export interface CatalogFile {
  /** Its path; `-` is standard input. */
  readonly name: string;
  /** Whether it was named itself, and not found in a folder: only then is it a fault that it holds no object of the kind. */
  readonly named: boolean;
}

const EXTENSION = /\.(yaml|yml|json)$/;

/**
 * The files that were named, and those with a suitable extension at any depth of the folders that were named, by path. Names
 * that begin with a point are passed over in folders, so that what Kubernetes mounts is found once.
 *
 * @throws UsageError for what is not there, for folders without such a file, and for nothing at all.
 */
export async function findFiles(names: readonly string[]): Promise<CatalogFile[]> {
  if (names.length === 0) throw new UsageError("FILE is missing; `-` reads standard input");
  if (names.filter((name) => name === "-").length > 1) throw new UsageError("`-` can be given once");
  const found: CatalogFile[] = [];
  for (const name of names) {
    if (name === "-") found.push({ name, named: true });
    else if (await isFolder(name)) {
      const paths = await filesBelow(name);
      if (paths.length === 0) throw new UsageError(`${name} holds no .yaml, .yml or .json file`);
      found.push(...paths.sort(byCodeUnits).map((path) => ({ name: path, named: false })));
    } else found.push({ name, named: true });
  }
  return found;
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function isFolder(name: string): Promise<boolean> {
  return (await readable(name, stat(name))).isDirectory();
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readable(folder, readdir(folder, { withFileTypes: true }));
  const visible = entries.filter(({ name }) => !name.startsWith("."));
  const found = await Promise.all(visible.map((entry) => filesAt(join(folder, entry.name), entry)));
  return found.flat();
}

async function filesAt(path: string, entry: Dirent): Promise<string[]> {
  if (entry.isDirectory()) return filesBelow(path);
  if (!EXTENSION.test(path)) return [];
  // A link to a folder could lead round in circles.
  const isFile = entry.isSymbolicLink() ? (await readable(path, stat(path))).isFile() : entry.isFile();
  return isFile ? [path] : [];
}

async function readable<Result>(name: string, result: Promise<Result>): Promise<Result> {
  try {
    return await result;
  } catch (cause) {
    throw new UsageError(`${name} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

/** The largest file that is read, in bytes: many objects of the largest size that the service takes. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** The text of a file, or why there is none. */
export type FileText = { readonly text: string } | { readonly problem: string };

/** Reads a file whole. */
export async function readText({ name }: CatalogFile, stdin: AsyncIterable<Uint8Array>): Promise<FileText> {
  const tooLarge = { problem: `is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB` };
  try {
    if (name !== "-" && (await stat(name)).size > MAX_FILE_BYTES) return tooLarge;
    const bytes = name === "-" ? await readAll(stdin) : await readFile(name);
    return bytes === undefined ? tooLarge : { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { problem: code === "ERR_ENCODING_INVALID_ENCODED_DATA" ? "is no UTF-8 text" : `cannot be read (${code})` };
  }
}

/** Undefined where it is too large. */
async function readAll(stdin: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    bytes += chunk.length;
    if (bytes > MAX_FILE_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

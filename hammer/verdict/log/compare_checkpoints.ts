import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { TileStore } from "../../../src/integrity/log/tile_store.ts";
import { EMPTY_ROOT } from "../../../src/integrity/merkle/hash.ts";
import { consistencyProof, MissingHashesError, verifyConsistency } from "../../../src/integrity/merkle/proofs.ts";
import { type Checkpoint, parseCheckpoint } from "../../../src/integrity/note/checkpoint.ts";
import { parseNote, type Verifier, verifyNote } from "../../../src/integrity/note/signed_note.ts";
import { Database } from "../../../src/postgres/database.ts";
import type { CheckpointLine } from "../../readers/options.ts";
import { Found } from "../finding.ts";

const STATEMENT_MS = 60_000;

/**
 * Holds all collected checkpoints against each other and against the tree as it is: signed, of one origin, of one root for each
 * size, never smaller than the one before, and each the beginning of the next.
 */
export async function compareCheckpoints(
  databaseUrl: string,
  path: string,
  verifiers: (origin: string) => readonly Verifier[],
): Promise<{ checkpoints: number; found: Found }> {
  const found = new Found();
  const bySize = await readCheckpoints(path, verifiers, found);
  const database = new Database({
    url: databaseUrl,
    connections: 1,
    applicationName: "hammer",
    statementTimeoutMs: STATEMENT_MS,
  });
  try {
    const tiles = new TileStore(database);
    const final = await finalTree(database);
    let before: Pick<Checkpoint, "size" | "root"> = { size: 0, root: EMPTY_ROOT };
    for (const next of [...[...bySize.values()].sort((a, b) => a.size - b.size), final]) {
      const problem = await inconsistency(tiles, before, next);
      const [one, other] = [before.size, next.size];
      if (problem !== undefined)
        found.add(() => `the tree of ${one} is not the beginning of that of ${other}: ${problem}`);
      before = next;
    }
  } finally {
    await database.end();
  }
  return { checkpoints: bySize.size, found };
}

async function readCheckpoints(
  path: string,
  verifiers: (origin: string) => readonly Verifier[],
  found: Found,
): Promise<Map<number, Checkpoint>> {
  const bySize = new Map<number, Checkpoint>();
  let last: Checkpoint | undefined;
  for await (const line of createInterface(createReadStream(path))) {
    const { from, request, note } = JSON.parse(line) as CheckpointLine;
    let checkpoint: Checkpoint;
    try {
      const parsed = parseNote(note);
      checkpoint = parseCheckpoint(parsed.text);
      verifyNote(parsed, verifiers(checkpoint.origin));
    } catch (error) {
      found.add(() => `${from}, request ${request}, gave what is no checkpoint of the log: ${error}`);
      continue;
    }
    const { origin, size, root } = checkpoint;
    const [before, same] = [last, bySize.get(size)];
    if (before !== undefined && before.origin !== origin) found.add(() => `${from} named another origin: ${origin}`);
    if (before !== undefined && size < before.size) {
      found.add(() => `${from}, request ${request}, gave a tree of ${size} after one of ${before.size}`);
    }
    if (same !== undefined && !same.root.equals(root))
      found.add(() => `${from} gave another root for a tree of ${size}`);
    bySize.set(size, checkpoint);
    last = checkpoint;
  }
  return bySize;
}

async function finalTree(database: Database): Promise<Pick<Checkpoint, "size" | "root">> {
  const [row] = await database.run(
    (sql) => sql<{ size: string; root: Buffer }[]>`SELECT size, root FROM audit_log_state`,
  );
  if (row === undefined) throw new Error("audit_log_state holds no row");
  return { size: Number(row.size), root: row.root };
}

/** Why a tree is not the beginning of another. */
async function inconsistency(
  tiles: TileStore,
  from: Pick<Checkpoint, "size" | "root">,
  to: Pick<Checkpoint, "size" | "root">,
): Promise<string | undefined> {
  if (from.size > to.size) return "it is larger";
  try {
    const proof = await consistencyProof(tiles, from.size, to.size);
    return verifyConsistency(from.size, from.root, to.size, to.root, proof) ? undefined : "the tiles prove another";
  } catch (error) {
    if (error instanceof MissingHashesError) return error.message;
    throw error;
  }
}

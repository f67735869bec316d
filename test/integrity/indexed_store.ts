import { createPrivateKey, type KeyObject } from "node:crypto";
import { indexRows } from "../../src/integrity/log/index_rows.ts";
import { advance, readPending } from "../../src/integrity/log/log_statements.ts";
import { TreeEdge } from "../../src/integrity/log/tree_edge.ts";
import { tileKey } from "../../src/integrity/merkle/tile.ts";
import { checkpointText } from "../../src/integrity/note/checkpoint.ts";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import { ed25519Signer, noteText, type Signer } from "../../src/integrity/note/signed_note.ts";
import type { Sql } from "../../src/postgres/pool.ts";

export const ORIGIN = "log.test/audit";

/** A key of the log, of a test's own. */
export function newSigner(origin = ORIGIN): Signer {
  return ed25519Signer(origin, privateKey());
}

function privateKey(): KeyObject {
  return createPrivateKey(newPrivateKey());
}

/** Gives an index to everything that waits for one, as the service does, `events` or a few more at once. */
export async function indexAll(sql: Sql, events = 16_384): Promise<void> {
  const edge = await readEdge(sql);
  for (;;) {
    const rows = await readPending(sql, events, []);
    if (rows.length === 0) return;
    const answer = await advance(sql, await indexRows(edge, rows));
    if (answer !== "advanced") throw new Error(`the log was not advanced: ${answer}`);
  }
}

async function readEdge(sql: Sql): Promise<TreeEdge> {
  const [state] = await sql<{ size: string }[]>`SELECT size FROM audit_log_state`;
  const size = Number(state?.size);
  const { bundle } = TreeEdge.needs(size);
  const tiles = await sql<{ level: number; tile_index: string; hashes: Buffer }[]>`
    SELECT level, tile_index, hashes FROM audit_log_tiles`;
  const [entries] = await sql<{ entries: Buffer }[]>`
    SELECT entries FROM audit_log_entries WHERE bundle_index = ${bundle ?? -1}`;
  const keyed = tiles.map(({ level, tile_index, hashes }) => {
    return [tileKey({ level, index: Number(tile_index) }), hashes] as const;
  });
  return TreeEdge.from(size, new Map(keyed), entries?.entries);
}

/** Signs and publishes the tree as it is; gives the signed note. */
export async function seal(sql: Sql, signer: Signer, origin = ORIGIN): Promise<string> {
  const [state] = await sql<{ size: string; root: Buffer }[]>`SELECT size, root FROM audit_log_state`;
  if (state === undefined) throw new Error("the log has no state");
  const size = Number(state.size);
  const text = checkpointText({ origin, size, root: state.root });
  const note = noteText({ text, signatures: [signer.sign(text)] });
  await sql`SELECT open_audit_log_origin(${origin}, NULL, '') WHERE NOT EXISTS (SELECT FROM audit_log_origins)`;
  await sql`INSERT INTO audit_log_keys (verifier_key, purpose) VALUES (${signer.verifier.verifierKey}, 'log')
    ON CONFLICT DO NOTHING`;
  const [signed] = await sql<{ answer: string }[]>`
    SELECT sign_audit_log(${origin}, ${String(size)}::bigint, ${state.root}, ${note}) AS answer`;
  if (signed?.answer !== "signed") throw new Error(`the checkpoint was not signed: ${signed?.answer}`);
  await sql`SELECT publish_audit_log(${origin}, ${String(size)}::bigint, ${note})`;
  return note;
}

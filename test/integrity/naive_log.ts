import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Sql } from "postgres";

/** Leaves of each hash that a tile of a level holds. */
const WIDTH = 256;

/**
 * Recomputes the whole log from the stored events, by the definitions of docs/integrity.md and RFC 6962, and holds it against
 * every table of the log: no event without an index or with two, indexes without a gap, those of a chain in its order,
 * entries, tiles and root. Gives the correlation ids and places in the order of the log.
 */
export async function checkedLog(admin: Sql): Promise<string[]> {
  const [state] = await admin`SELECT size::int, root FROM audit_log_state`;
  assert.ok(state);
  const events = await admin`
    SELECT run.first_log_index + event.chain_position - run.first_position AS log_index, event.correlation_id,
      event.chain_position::int, event.event_hash, encode(run.salt, 'hex') AS salt,
      event.event_date BETWEEN run.first_date AND run.last_date AS dated
    FROM audit_events AS event JOIN audit_log_runs AS run ON run.correlation_id = event.correlation_id
      AND event.chain_position BETWEEN run.first_position AND run.first_position + run.event_count - 1
    ORDER BY log_index`;
  const [counted] = await admin`
    SELECT (SELECT count(*)::int FROM audit_events) AS events, (SELECT count(*)::int FROM audit_log_pending) AS pending,
      (SELECT coalesce(sum(event_count), 0)::int FROM audit_log_runs) AS runs`;
  assert.deepEqual({ ...counted }, { events: state["size"], pending: 0, runs: state["size"] });
  assert.deepEqual(
    events.map((event) => Number(event["log_index"])),
    Array.from({ length: state["size"] }, (_, index) => index),
  );
  assert.ok(events.every((event) => event["dated"]));
  checkChainOrder(events.map((event) => [event["correlation_id"], event["chain_position"]]));
  const entries = events.map((event) => entry(event["salt"], event["chain_position"], event["event_hash"]));
  const leaves = entries.map((bytes) => sha256(Buffer.from([0]), bytes));
  assert.equal(hex(root(leaves)), hex(state["root"]), "the root");
  const bundles = await admin`SELECT bundle_index::int AS place, entries AS bytes FROM audit_log_entries`;
  assert.deepEqual(pieces(bundles), cut(entries), "the entries");
  for (let level = 0, hashes = leaves; ; level++) {
    const tiles =
      await admin`SELECT tile_index::int AS place, hashes AS bytes FROM audit_log_tiles WHERE level = ${level}`;
    assert.deepEqual(pieces(tiles), cut(hashes), `the tiles of level ${level}`);
    if (hashes.length === 0) break;
    hashes = Array.from({ length: Math.floor(hashes.length / WIDTH) }, (_, place) =>
      root(hashes.slice(WIDTH * place, WIDTH * (place + 1))),
    );
  }
  return events.map((event) => `${event["correlation_id"]} ${event["chain_position"]}`);
}

function checkChainOrder(places: readonly [string, number][]): void {
  const last = new Map<string, number>();
  for (const [correlationId, position] of places) {
    assert.equal(position, (last.get(correlationId) ?? 0) + 1, `the places of ${correlationId} come in their order`);
    last.set(correlationId, position);
  }
}

/** RFC 6962, 2.1, word by word. */
function root(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0] as Buffer;
  let half = 1;
  while (2 * half < leaves.length) half *= 2;
  return sha256(Buffer.from([1]), root(leaves.slice(0, half)), root(leaves.slice(half)));
}

function entry(runSalt: string, position: number, eventHash: string): Buffer {
  const salt = hex(sha256(Buffer.from(`${runSalt}log_salt\n${position}`)));
  return sha256(Buffer.from(`kubernaut.audit.entry/v1\n${salt}\n${position}\n${eventHash}\n`));
}

function cut(hashes: readonly Buffer[]): string[] {
  const tiles = [];
  for (let at = 0; at < hashes.length; at += WIDTH) tiles.push(hex(Buffer.concat(hashes.slice(at, at + WIDTH))));
  return tiles;
}

function pieces(rows: Iterable<Record<string, unknown>>): string[] {
  const found: string[] = [];
  for (const row of rows) found[row["place"] as number] = hex(row["bytes"] as Buffer);
  return found;
}

function sha256(...parts: readonly Buffer[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function hex(bytes: Buffer): string {
  return bytes.toString("hex");
}

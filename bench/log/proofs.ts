import { hash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  GetInclusionProofRequestSchema,
  GetInclusionProofResponseSchema,
  IntegrityService,
} from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { numbersText } from "../../src/integrity/log/reader_statements.ts";
import { type Piece, TreeEdge } from "../../src/integrity/log/tree_edge.ts";
import { leafHash } from "../../src/integrity/merkle/hash.ts";
import { verifyInclusion } from "../../src/integrity/merkle/proofs.ts";
import type { Sql } from "../../src/postgres/pool.ts";
import { type Times, timed, timesOf } from "../catalog/timing.ts";
import { envelope, GrpcConnection } from "../grpc.ts";

/** GetInclusionProof of one place after the other, drawn by lot. */
export interface ProofTimes extends Times {
  readonly tree_size: number;
  readonly hashes: number;
}

/** Entries that are made before they are written. */
const AT_ONCE = 64_000;
const WARM_UP = 20;

/**
 * Makes a tree of the largest size, of made-up entries and with no events behind it, in a database of which the log is empty
 * and unsigned; and measures proofs in trees of each size, which all are beginnings of it.
 */
export async function measureProofs(
  address: string,
  sql: Sql,
  sizes: readonly number[],
  tries: number,
): Promise<ProofTimes[]> {
  await grow(sql, Math.max(...sizes));
  const connection = await GrpcConnection.open(address, IntegrityService.typeName);
  const results = sizes.map((size) => ({ size, times: [] as number[], hashes: 0 }));
  for (let one = 0; one < WARM_UP + tries; one++) {
    for (const result of results) {
      const { ms, answer } = await timed(connection, proofCall(Math.floor(Math.random() * result.size), result.size));
      result.times.push(ms);
      result.hashes = check(answer);
    }
  }
  connection.close();
  return results.map(({ size, times, hashes }) => ({ tree_size: size, hashes, ...timesOf(times.slice(WARM_UP)) }));
}

function proofCall(index: number, size: number) {
  const request = create(GetInclusionProofRequestSchema, {
    of: { case: "logIndex", value: BigInt(index) },
    treeSize: BigInt(size),
  });
  return { method: "GetInclusionProof", framed: envelope(toBinary(GetInclusionProofRequestSchema, request)) };
}

/** A proof that is wrong would be measured all the same. Gives how many hashes it has. */
function check(answer: Uint8Array): number {
  const { logIndex, treeSize, rootHash, entry, hashes } = fromBinary(GetInclusionProofResponseSchema, answer);
  const proof = hashes.map((one) => Buffer.from(one));
  const leaf = leafHash(Buffer.from(entry));
  if (!verifyInclusion(Number(logIndex), Number(treeSize), leaf, proof, Buffer.from(rootHash))) {
    throw new Error(`the proof of ${logIndex} in a tree of ${treeSize} is wrong`);
  }
  return proof.length;
}

async function grow(sql: Sql, size: number): Promise<void> {
  const edge = new TreeEdge();
  while (edge.size < size) {
    const end = Math.min(size, edge.size + AT_ONCE);
    while (edge.size < end) edge.append(Buffer.from(hash("sha256", String(edge.size), "latin1"), "latin1"));
    const { tiles, bundles } = edge.takeChanges();
    await sql.unsafe(TILES, [numbersText(tiles.map(({ level }) => level)), ...piecesOf(tiles)]);
    await sql.unsafe(BUNDLES, piecesOf(bundles));
  }
  // One run tells where they would stand in a chain.
  await sql.unsafe(RUN, [String(size)]);
  await sql.unsafe("UPDATE audit_log_state SET size = $1::text::bigint, root = decode($2, 'hex')", [
    String(size),
    edge.root().toString("hex"),
  ]);
  await sql.unsafe("VACUUM (ANALYZE) audit_log_tiles");
  await sql.unsafe("VACUUM (ANALYZE) audit_log_entries");
}

function piecesOf(pieces: readonly Piece[]): [string, string] {
  return [numbersText(pieces.map(({ index }) => index)), numbersText(pieces.map(({ bytes }) => bytes.toString("hex")))];
}

const TILES = `
  INSERT INTO audit_log_tiles (level, tile_index, hashes)
  SELECT level, tile_index, decode(hashes, 'hex')
  FROM unnest($1::text::smallint[], $2::text::bigint[], $3::text::text[]) AS tile (level, tile_index, hashes)
  ON CONFLICT (level, tile_index) DO UPDATE SET hashes = excluded.hashes`;

const BUNDLES = `
  INSERT INTO audit_log_entries (bundle_index, entries)
  SELECT bundle_index, decode(entries, 'hex')
  FROM unnest($1::text::bigint[], $2::text::text[]) AS bundle (bundle_index, entries)
  ON CONFLICT (bundle_index) DO UPDATE SET entries = excluded.entries`;

const RUN = `
  INSERT INTO audit_log_runs (first_log_index, event_count, correlation_id, first_position, first_date, last_date, salt)
  VALUES (0, $1::text::integer, 'rr-bench-made-up', 1, current_date, current_date, decode('00112233445566778899aabbccddeeff', 'hex'))`;

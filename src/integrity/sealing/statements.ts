import type { Database } from "../../postgres/database.ts";

/** A name under which the tree was signed, as its row in audit_log_origins has it. */
export interface OpenedOrigin {
  readonly origin: string;
  /** Entries of the tree when it was opened. */
  readonly openedSize: number;
  /** Last checkpoint of the origin before. */
  readonly predecessor: string | undefined;
  /** Checkpoint kept elsewhere that the tree contradicted. */
  readonly contradicted: string | undefined;
  readonly reason: string;
}

/** What the database says of the log and of what was signed of it, all of one moment. */
export interface SealingState {
  readonly size: number;
  readonly root: Buffer;
  readonly signedNote: string | undefined;
  readonly publishedSize: number;
  readonly publishedNote: string | undefined;
  /** In their order; the last is in use. */
  readonly origins: readonly OpenedOrigin[];
  /** Verifier keys that have signed checkpoints. */
  readonly logKeys: readonly string[];
}

const STATE = `
SELECT size::text, encode(root, 'hex') AS root, signed_note, published_size::text, published_note,
  (SELECT coalesce(json_agg(json_build_object('origin', origin, 'openedSize', opened_size,
      'predecessor', predecessor_checkpoint, 'contradicted', contradicted_checkpoint, 'reason', reason) ORDER BY number), '[]')
    FROM audit_log_origins)::text AS origins,
  (SELECT coalesce(json_agg(verifier_key ORDER BY first_used_time), '[]')
    FROM audit_log_keys WHERE purpose = 'log')::text AS log_keys
FROM audit_log_state`;

interface StateRow {
  readonly size: string;
  readonly root: string;
  readonly signed_note: string | null;
  readonly published_size: string;
  readonly published_note: string | null;
  readonly origins: string;
  readonly log_keys: string;
}

type OriginRow = { readonly [Name in keyof OpenedOrigin]: OpenedOrigin[Name] | null };

export async function readSealingState(database: Database): Promise<SealingState> {
  const [row] = await database.run((sql) => sql.unsafe<StateRow[]>(STATE, [], { prepare: true }));
  if (row === undefined) throw new Error("audit_log_state holds no row: the tables of the log were restored in part");
  return {
    size: Number(row.size),
    root: Buffer.from(row.root, "hex"),
    signedNote: row.signed_note ?? undefined,
    publishedSize: Number(row.published_size),
    publishedNote: row.published_note ?? undefined,
    origins: (JSON.parse(row.origins) as OriginRow[]).map(
      (origin) =>
        Object.fromEntries(Object.entries(origin).map(([name, value]) => [name, value ?? undefined])) as never,
    ),
    logKeys: JSON.parse(row.log_keys) as string[],
  };
}

/** Opens an origin: `opened`, or `known` where it was used before. */
export async function openOrigin(
  database: Database,
  { origin, contradicted, reason }: { origin: string; contradicted: string | undefined; reason: string },
): Promise<"opened" | "known"> {
  const text = "SELECT open_audit_log_origin($1::text, $2::text, $3::text) AS answer";
  const [row] = await database.run((sql) =>
    sql.unsafe<{ answer: "opened" | "known" }[]>(text, [origin, contradicted ?? null, reason], { prepare: true }),
  );
  return row?.answer ?? "known";
}

/** A checkpoint to be written down. */
export interface SignedCheckpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  readonly note: string;
}

// A tree that is not the one in the database is never signed, whoever says that it is.
const SIGN = `
SELECT sign_audit_log($1::text, $2::text::bigint, decode($3::text, 'hex'), $4::text) AS answer
FROM audit_log_state
WHERE size > $2::text::bigint OR (size = $2::text::bigint AND root = decode($3::text, 'hex'))`;

/** `stale` where the database has another tree, or has signed what this does not follow. */
export async function storeSigned(database: Database, signed: SignedCheckpoint): Promise<"signed" | "stale"> {
  const parameters = [signed.origin, String(signed.size), signed.root.toString("hex"), signed.note];
  const [row] = await database.run((sql) =>
    sql.unsafe<{ answer: "signed" | "stale" }[]>(SIGN, parameters, { prepare: true }),
  );
  return row?.answer ?? "stale";
}

/** False where a larger one is published by now, or another origin is in use. */
export async function storePublished(
  database: Database,
  published: Pick<SignedCheckpoint, "origin" | "size" | "note">,
): Promise<boolean> {
  const text = "SELECT publish_audit_log($1::text, $2::text::bigint, $3::text) AS published";
  const parameters = [published.origin, String(published.size), published.note];
  const [row] = await database.run((sql) => sql.unsafe<{ published: boolean }[]>(text, parameters, { prepare: true }));
  return row?.published ?? false;
}

/** A public key and what it signs. */
export interface UsedKey {
  readonly verifierKey: string;
  readonly purpose: "log" | "cosigner" | "export";
}

const NOTE_KEY = `
INSERT INTO audit_log_keys AS known (verifier_key, purpose) VALUES ($1::text, $2::text)
ON CONFLICT (verifier_key) DO UPDATE SET last_used_time = now() WHERE known.last_used_time < now() - interval '1 hour'`;

/** Writes down for good that a key signs; when it did last, to the hour. */
export async function noteKey(database: Database, { verifierKey, purpose }: UsedKey): Promise<void> {
  await database.run((sql) => sql.unsafe(NOTE_KEY, [verifierKey, purpose], { prepare: true }));
}

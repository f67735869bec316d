// Bundles as an export makes them, of events that no service has seen: for what verifies them.
import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { canonicalText, type Json, type JsonObject } from "../../src/integrity/canonical.ts";
import { type EntryOpening, entryOf, logSalt, openingText } from "../../src/integrity/entry.ts";
import {
  contentDigest,
  type DigestedFields,
  eventHash,
  saltedDigest,
  sha256,
} from "../../src/integrity/event_digest.ts";
import { CompactRange } from "../../src/integrity/merkle/compact_range.ts";
import { leafHash, nodeHash } from "../../src/integrity/merkle/hash.ts";
import { alignedSubtrees } from "../../src/integrity/merkle/subtrees.ts";
import { checkpointText } from "../../src/integrity/note/checkpoint.ts";
import { deriveKey, privateKeyOf } from "../../src/integrity/note/keys.ts";
import { cosigner, ed25519Signer, noteText, type Signer } from "../../src/integrity/note/signed_note.ts";
import { formatTlogProof } from "../../src/integrity/note/tlog_proof.ts";

export const ORIGIN = "log.example/test";

/** The keys of a log: all that sign for it. */
export interface LogSigners {
  readonly log: Signer;
  readonly cosigner: Signer;
  readonly exporter: Signer;
}

/** Keys made of one byte, the same every time. */
export function logSigners(byte = 7): LogSigners {
  const key = privateKeyOf(Buffer.alloc(32, byte));
  return {
    log: ed25519Signer(ORIGIN, key),
    cosigner: cosigner(`${ORIGIN}/cosigner`, deriveKey(key, "cosigner"), () => 1_790_000_000),
    exporter: ed25519Signer(`${ORIGIN}/export`, deriveKey(key, "export")),
  };
}

/** A recorded event with its place in the log, as its line in a bundle says it. */
export type EventObject = { readonly [member: string]: Json };

/** Events of a log, in its order: of each, its correlation and what it has besides. */
export function logOf(
  events: readonly { readonly correlation: string; readonly data?: JsonObject; readonly more?: JsonObject }[],
): EventObject[] {
  const last = new Map<string, { position: number; hash: string }>();
  return events.map(({ correlation, data = {}, more = {} }, index) => {
    const previous = last.get(correlation);
    const position = (previous?.position ?? 0) + 1;
    const fields = { ...envelope(correlation, index), ...more, event_data: canonicalText(data) } as DigestedFields;
    const salt = createHash("md5").update(`salt ${index}`).digest("hex");
    const hash = eventHash(previous?.hash, contentDigest(fields, salt));
    last.set(correlation, { position, hash });
    const own = logSalt(createHash("md5").update(`run ${correlation}`).digest("hex"), position);
    return {
      ...(fields as unknown as JsonObject),
      event_data: data,
      event_hash: hash,
      ...(previous && { previous_event_hash: previous.hash }),
      chain_position: position,
      log_index: index,
      salt,
      log_salt: own,
      entry: entryOf(own, position, hash),
    };
  });
}

function envelope(correlation: string, index: number): JsonObject {
  return {
    actor_id: "gateway",
    actor_type: "service",
    correlation_id: correlation,
    event_action: "received",
    event_category: "gateway",
    event_date: "2026-11-01",
    event_id: `019a3c5e-8a00-7000-8000-${String(index).padStart(12, "0")}`,
    event_outcome: "success",
    event_timestamp: "2026-11-01T10:00:00.000000Z",
    event_type: "gateway.signal.received",
    event_version: "1.0",
    is_sensitive: false,
    recorded_by: "anonymous",
    recorded_time: "2026-11-01T10:00:00.012345Z",
    resource_id: correlation,
    resource_type: "RemediationRequest",
    retention_days: 2555,
  };
}

/** The event after its payload was erased. */
export function erased({ event_data: data, error_message: message, salt, ...rest }: EventObject): EventObject {
  return {
    ...rest,
    event_data_digest: saltedDigest(salt as string, "event_data", canonicalText(data as Json)),
    ...(message !== undefined && {
      error_message_digest: saltedDigest(salt as string, "error_message", message as string),
    }),
  };
}

/** What is left of the event after it was removed. */
export function removed({
  correlation_id,
  chain_position,
  event_hash,
  log_index,
  log_salt,
  entry,
}: EventObject): EventObject {
  return { removed: true, correlation_id, chain_position, event_hash, log_index, log_salt, entry } as EventObject;
}

export interface BundleFile {
  readonly name: string;
  readonly content: Buffer;
}

export interface BundleChoices {
  /** The lines of the bundle, in order; all of the log unless given. */
  readonly lines?: readonly EventObject[];
  readonly filter?: JsonObject;
  /** Lines of a part; 10,000 unless given. */
  readonly partLines?: number;
  readonly signers?: LogSigners;
  /** Further signers of the checkpoint. */
  readonly witnesses?: readonly Signer[];
}

/** The receipt of an event, as the service gives it. */
export function receiptOf(log: readonly EventObject[], index: number, signers: LogSigners = logSigners()): string {
  const leaves = leavesOf(log);
  const { event_id, event_hash, correlation_id, chain_position, log_salt } = log[index] as unknown as EntryOpening;
  const opening = { event_id, event_hash, correlation_id, chain_position, log_salt };
  return formatTlogProof({
    extra: Buffer.from(openingText(opening)),
    index,
    hashes: auditPath(leaves, index),
    checkpoint: checkpointOf(leaves, [signers.log, signers.cosigner]),
  });
}

/** RFC 6962, 2.1.1, as it is defined. */
function auditPath(leaves: readonly Buffer[], index: number): Buffer[] {
  if (leaves.length === 1) return [];
  const middle = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)];
  return index < middle
    ? [...auditPath(left, index), treeOf(right).root()]
    : [...auditPath(right, index - middle), treeOf(left).root()];
}

function leavesOf(log: readonly EventObject[]): Buffer[] {
  return log.map(({ entry }) => leafHash(Buffer.from(entry as string, "hex")));
}

/** The files of a bundle over a whole log. */
export function bundleFiles(log: readonly EventObject[], choices: BundleChoices = {}): BundleFile[] {
  const { lines = log, partLines = 10_000, signers = logSigners(), witnesses = [] } = choices;
  const leaves = leavesOf(log);
  const files: BundleFile[] = [
    file("README.txt", "A bundle of audit events.\n"),
    file("checkpoint", checkpointOf(leaves, [signers.log, signers.cosigner, ...witnesses])),
  ];
  let next = 0;
  for (let part = 0; part * partLines < lines.length; part++) {
    const proofs: string[] = [];
    const events = lines.slice(part * partLines, (part + 1) * partLines);
    for (const { log_index: at } of events as { log_index: number }[]) {
      if (at > next) proofs.push(gapLine(leaves, next, at));
      next = at + 1;
    }
    const name = `${String(part + 1).padStart(6, "0")}.jsonl`;
    files.push(file(`proof-${name}`, proofs.join("")));
    files.push(file(`events-${name}`, events.map((line) => `${JSON.stringify(line)}\n`).join("")));
  }
  files.push(file("proof-tail.jsonl", next < leaves.length ? gapLine(leaves, next, leaves.length) : ""));
  return sealed(files, choices);
}

function file(name: string, text: string): BundleFile {
  return { name, content: Buffer.from(text) };
}

function treeOf(leaves: readonly Buffer[]): CompactRange {
  const tree = new CompactRange();
  for (const leaf of leaves) tree.append(leaf);
  return tree;
}

function checkpointOf(leaves: readonly Buffer[], signers: readonly Signer[]): string {
  const text = checkpointText({ origin: ORIGIN, size: leaves.length, root: treeOf(leaves).root() });
  return noteText({ text, signatures: signers.map((signer) => signer.sign(text)) });
}

function gapLine(leaves: readonly Buffer[], first: number, end: number): string {
  const hashes = alignedSubtrees(first, end).map(({ level, index }) =>
    subtreeRoot(leaves, level, index).toString("base64"),
  );
  return `${JSON.stringify({ first, last: end - 1, hashes })}\n`;
}

function subtreeRoot(leaves: readonly Buffer[], level: number, index: number): Buffer {
  if (level === 0) return leaves[index] as Buffer;
  return nodeHash(subtreeRoot(leaves, level - 1, 2 * index), subtreeRoot(leaves, level - 1, 2 * index + 1));
}

/** The files with a manifest that fits them, signed: whoever holds the keys can say so of any files. `change`: of the manifest. */
export function sealed(
  files: readonly BundleFile[],
  choices: BundleChoices = {},
  change: JsonObject = {},
): BundleFile[] {
  const { filter = {}, signers = logSigners() } = choices;
  const contents = files.filter(({ name }) => !name.startsWith("manifest"));
  const [origin = "", size = "", root = ""] = (contents[1]?.content.toString() ?? "").split("\n");
  const lines = contents
    .filter(({ name }) => name.startsWith("events-"))
    .flatMap(({ content }) => content.toString().trimEnd().split("\n"))
    .map((line) => JSON.parse(line) as EventObject);
  const gone = lines.filter((line) => line["removed"] === true).length;
  const manifest = canonicalText({
    form: "kubernaut.audit.bundle/v1",
    origin,
    tree_size: Number(size),
    root: Buffer.from(root, "base64").toString("hex"),
    export_id: "export-019a3c5e-8a00-7000-8000-000000000000",
    created: "2026-11-01T10:00:01.000000Z",
    filter,
    events: lines.length - gone,
    removed: gone,
    ...(lines.length > 0 && {
      first_log_index: lines[0]?.["log_index"] as number,
      last_log_index: lines.at(-1)?.["log_index"] as number,
    }),
    files: contents.map(({ name, content }) => ({
      name,
      size: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
    })),
    verifier_keys: [
      { purpose: "log", verifier_key: signers.log.verifier.verifierKey },
      { purpose: "cosigner", verifier_key: signers.cosigner.verifier.verifierKey },
      { purpose: "export", verifier_key: signers.exporter.verifier.verifierKey },
    ],
    ...change,
  });
  const text = `kubernaut.audit.bundle/v1\n${origin}\n${sha256(manifest)}\n`;
  const note = noteText({ text, signatures: [signers.exporter.sign(text)] });
  return [...contents, file("manifest.json", manifest), file("manifest.note", note)];
}

/** The files as a tar archive. */
export async function packed(files: readonly BundleFile[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, content } of files) {
    archive.entry({ name, size: content.length, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 }, content);
  }
  archive.finalize();
  return buffer(archive);
}

import { hash, webcrypto } from "node:crypto";
import { canonicalText, type JsonObject } from "../../integrity/canonical.ts";
import type { LogKey } from "../../integrity/log/log_reader.ts";
import type { TileReader } from "../../integrity/merkle/tile.ts";
import type { Checkpoint } from "../../integrity/note/checkpoint.ts";
import { noteText, parseVerifierKey, type Signer } from "../../integrity/note/signed_note.ts";
import type { WalkStep } from "../read/log_walk.ts";
import { README } from "./bundle_readme.ts";
import { eventLine, LINE_COLUMNS, type LineRow } from "./event_line.ts";
import type { FileFormat } from "./file_format.ts";
import { type Gap, proofLines } from "./gap_proofs.ts";
import { type ArchiveFile, tarOf } from "./tar.ts";
import { TextBuffer } from "./text_buffer.ts";

/** Names the form of bundles: another list of files or another rule gets another name. */
export const BUNDLE_FORM = "kubernaut.audit.bundle/v1";

/** A part of the events ends with the event that reaches one of these. */
const PART_EVENTS = 10_000;
const PART_BYTES = 4 * 1024 * 1024;

/** What a bundle is made from, besides events. */
export interface BundleParts {
  readonly checkpoint: Checkpoint;
  /** The published signed note of that checkpoint. */
  readonly checkpointNote: string;
  readonly tiles: TileReader;
  readonly signer: Signer;
  /** Every key that has signed for the log. */
  readonly keys: readonly LogKey[];
  readonly exportId: string;
  /** RFC 3339. */
  readonly created: string;
  /** As ProtoJSON. */
  readonly filter: JsonObject;
}

/** A tar archive that proves itself without the service: docs/integrity.md, "A bundle". */
export function bundleFormat(parts: BundleParts): FileFormat<LineRow> {
  return {
    mediaType: "application/x-tar",
    extension: "tar",
    columns: LINE_COLUMNS,
    write: (steps) => tarOf(files(parts, steps)),
  };
}

interface FileFacts {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

async function* files(parts: BundleParts, steps: AsyncIterable<WalkStep<LineRow>>): AsyncGenerator<ArchiveFile> {
  const facts: FileFacts[] = [];
  const listed = async (name: string, content: Buffer<ArrayBuffer>): Promise<ArchiveFile> => {
    facts.push({ name, size: content.length, sha256: await digestOf(content) });
    return { name, content };
  };
  yield await listed("README.txt", Buffer.from(README));
  yield await listed("checkpoint", Buffer.from(parts.checkpointNote));
  const told = { events: 0, first: -1, last: -1 };
  for await (const { gaps, lines, first, last, events, number } of inParts(steps)) {
    yield await listed(`proof-${number}.jsonl`, await proofFile(parts.tiles, gaps));
    yield await listed(`events-${number}.jsonl`, lines);
    told.events += events;
    if (told.first < 0) told.first = first;
    told.last = last;
  }
  const tail = { first: told.last + 1, last: parts.checkpoint.size - 1 };
  yield await listed("proof-tail.jsonl", await proofFile(parts.tiles, tail.first <= tail.last ? [tail] : []));
  const manifest = canonicalText({
    form: BUNDLE_FORM,
    origin: parts.checkpoint.origin,
    tree_size: parts.checkpoint.size,
    root: parts.checkpoint.root.toString("hex"),
    export_id: parts.exportId,
    created: parts.created,
    filter: parts.filter,
    events: told.events,
    removed: 0,
    ...(told.events > 0 && { first_log_index: told.first, last_log_index: told.last }),
    files: facts as unknown as JsonObject[],
    verifier_keys: keysOf(parts),
  });
  yield { name: "manifest.json", content: Buffer.from(manifest) };
  const text = `${BUNDLE_FORM}\n${parts.checkpoint.origin}\n${hash("sha256", manifest)}\n`;
  const note = noteText({ text, signatures: [parts.signer.sign(text)] });
  yield { name: "manifest.note", content: Buffer.from(note) };
}

/** SHA-256 in hex, made on another thread: here the megabytes of a part would keep every other call waiting. */
async function digestOf(content: Buffer<ArrayBuffer>): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest("SHA-256", content)).toString("hex");
}

/** The keys of this origin, with the one that signs the manifest. */
function keysOf({ keys, checkpoint: { origin }, signer }: BundleParts): JsonObject[] {
  const names = new Set([origin, `${origin}/cosigner`, `${origin}/export`]);
  const own = keys
    .map(({ purpose, verifierKey }) => ({ purpose, verifier_key: verifierKey }))
    .filter((key) => names.has(parseVerifierKey(key.verifier_key).name));
  const { verifierKey } = signer.verifier;
  const isKnown = own.some((key) => key.verifier_key === verifierKey);
  return isKnown ? own : [...own, { purpose: "export", verifier_key: verifierKey }];
}

async function proofFile(tiles: TileReader, gaps: readonly Gap[]): Promise<Buffer<ArrayBuffer>> {
  const lines = new TextBuffer();
  for await (const line of proofLines(tiles, gaps)) lines.add(line);
  return lines.take();
}

/** Some events that follow each other in the export, and what lies before each of them in the log. */
interface Part {
  /** Six digits. */
  readonly number: string;
  readonly gaps: readonly Gap[];
  readonly lines: Buffer<ArrayBuffer>;
  readonly events: number;
  readonly first: number;
  readonly last: number;
}

/** The events in parts: where one ends follows from the events alone, and not from the steps. */
async function* inParts(steps: AsyncIterable<WalkStep<LineRow>>): AsyncGenerator<Part> {
  const lines = new TextBuffer();
  let gaps: Gap[] = [];
  let [number, events, first, last] = [1, 0, 0, -1];
  const take = (): Part => {
    const part = { number: String(number).padStart(6, "0"), gaps, lines: lines.take(), events, first, last };
    gaps = [];
    number += 1;
    events = 0;
    return part;
  };
  for await (const { rows } of steps) {
    for (const row of rows) {
      const index = Number(row.log_index);
      if (index > last + 1) gaps.push({ first: last + 1, last: index - 1 });
      if (events === 0) first = index;
      lines.add(eventLine(row));
      last = index;
      events += 1;
      if (events === PART_EVENTS || lines.size >= PART_BYTES) yield take();
    }
  }
  if (events > 0) yield take();
}

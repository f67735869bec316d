import { type Checkpoint, parseCheckpoint } from "../note/checkpoint.ts";
import type { SignedNote, Verifier } from "../note/signed_note.ts";
import type { ArchiveFile } from "./archive.ts";
import { BundleFiles } from "./bundle_files.ts";
import { Chains } from "./chains.ts";
import { type EventLine, readEventLine } from "./event_line.ts";
import { Flaw, type Place } from "./flaw.ts";
import { Fold } from "./fold.ts";
import { Gaps } from "./gaps.ts";
import { asFlaw, KnownKeys, notVouched, readNote, uncheckedNames } from "./keys.ts";
import { type Line, readLines, readText } from "./lines.ts";
import {
  checkFiles,
  claimedCorrelation,
  filteredCorrelation,
  MANIFEST,
  MANIFEST_NOTE,
  type Manifest,
  manifestNoteText,
  readManifest,
} from "./manifest.ts";
import type { BundleReport, CheckedKey } from "./report.ts";

/** How far a verification is. */
export interface VerifyProgress {
  /** Events that were recomputed. */
  readonly events: number;
}

export interface VerifyBundleOptions {
  /** The public keys that whoever verifies has from elsewhere, and trusts. */
  readonly keys: readonly Verifier[];
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** Most bytes of an event's line, and of files that are read whole: notes and the README, and the manifest. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const MAX_NOTE_BYTES = 1024 * 1024;
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/**
 * Verifies an exported bundle (docs/integrity.md), from its bytes alone: every hash is recomputed from what it is about, up to
 * the signed checkpoint. Reads it once; keeps one proof part, some 300 bytes for each correlation and 200 for each file, and
 * nothing for an event.
 *
 * Keys that stand in the bundle itself are used where none was given, which proves only that the bundle belongs together: the
 * report says of each key whether it was given.
 *
 * @throws Flaw for the first thing that is wrong; what reading the chunks throws passes through.
 */
export async function verifyBundle(
  chunks: AsyncIterable<Uint8Array>,
  { keys, onProgress }: VerifyBundleOptions,
): Promise<BundleReport> {
  const files = new BundleFiles(chunks);
  try {
    return await new Verification(files, keys, onProgress ?? (() => {})).run();
  } finally {
    await files.close();
  }
}

class Verification {
  readonly #files: BundleFiles;
  readonly #given: readonly Verifier[];
  readonly #onProgress: (progress: VerifyProgress) => void;
  readonly #fold = new Fold();
  readonly #chains = new Chains();
  readonly #counts = { whole: 0, erased: 0, removed: 0 };
  #first: number | undefined;
  #last: number | undefined;

  constructor(files: BundleFiles, given: readonly Verifier[], onProgress: (progress: VerifyProgress) => void) {
    this.#files = files;
    this.#given = given;
    this.#onProgress = onProgress;
  }

  async run(): Promise<BundleReport> {
    await this.#text("README.txt", MAX_NOTE_BYTES);
    const note = readNote(await this.#text("checkpoint", MAX_NOTE_BYTES), "checkpoint");
    const checkpoint = readCheckpoint(note);
    await this.#parts(checkpoint.size);
    const listed = [...this.#files.read];
    const text = await this.#text(MANIFEST, MAX_MANIFEST_BYTES);
    const manifestNote = readNote(await this.#text(MANIFEST_NOTE, MAX_NOTE_BYTES), MANIFEST_NOTE);
    await this.#files.end();
    const manifest = readManifest(text);
    const known = new KnownKeys(checkpoint.origin, this.#given, manifest.keys);
    if (manifestNote.text !== manifestNoteText(checkpoint.origin, text)) {
      throw new Flaw(`is not about this ${MANIFEST} and this log`, { file: MANIFEST_NOTE });
    }
    const manifestKeys = known.manifestKeys(manifestNote, MANIFEST_NOTE);
    checkFiles(manifest, listed);
    const checkpointKeys = known.checkpointKeys(note, "checkpoint");
    if (!checkpointKeys.some(({ purpose }) => purpose === "log")) {
      throw new Flaw("is not signed by a known key of the log itself", { file: "checkpoint" });
    }
    this.#checkTree(checkpoint);
    this.#checkManifest(manifest, checkpoint);
    return this.#report({ note, checkpoint, checkpointKeys, manifest, manifestKeys, known });
  }

  async #text(name: string, limitBytes: number): Promise<string> {
    return readText(name, (await this.#files.next(name)).chunks, limitBytes);
  }

  /** Proofs and events, part by part, and the proof behind the last event. */
  async #parts(treeSize: number): Promise<void> {
    for (let number = 1; ; number++) {
      const part = `${String(number).padStart(6, "0")}.jsonl`;
      const proof = await this.#files.next(`proof-${part}`, "proof-tail.jsonl");
      const gaps = await Gaps.read(proof);
      if (proof.name === "proof-tail.jsonl") return this.#tail(gaps, treeSize);
      await this.#events(await this.#files.next(`events-${part}`), gaps, treeSize);
      gaps.checkUsedUp();
    }
  }

  #tail(gaps: Gaps, treeSize: number): void {
    if (this.#fold.size < treeSize) gaps.fill(this.#fold, treeSize);
    gaps.checkUsedUp();
  }

  async #events({ name, chunks }: ArchiveFile, gaps: Gaps, treeSize: number): Promise<void> {
    const before = this.#lines;
    for await (const lines of readLines(name, chunks, MAX_LINE_BYTES)) {
      for (const line of lines) this.#event(line, name, gaps, treeSize);
      this.#onProgress({ events: this.#lines });
    }
    if (this.#lines === before) throw new Flaw("has no events", { file: name });
  }

  get #lines(): number {
    return this.#counts.whole + this.#counts.erased + this.#counts.removed;
  }

  #event({ number, text }: Line, file: string, gaps: Gaps, treeSize: number): void {
    const line = readEventLine(text, { file, line: number });
    const { eventId, logIndex } = line;
    const place: Place = { file, line: number, eventId, logIndex };
    if (logIndex < this.#fold.size) throw new Flaw(`log_index must be ${this.#fold.size} or more here`, place);
    if (logIndex >= treeSize)
      throw new Flaw(`log_index is beyond the checkpoint, which covers ${treeSize} entries`, place);
    if (logIndex > this.#fold.size) gaps.fill(this.#fold, logIndex, place);
    this.#fold.append(line.entry);
    this.#chains.add(line, place);
    this.#count(line);
  }

  #count({ kind, logIndex }: EventLine): void {
    this.#counts[kind] += 1;
    this.#first ??= logIndex;
    this.#last = logIndex;
  }

  #checkTree({ root }: Checkpoint): void {
    if (this.#fold.root === root.toString("hex")) return;
    throw new Flaw(
      "entries and proofs do not give the root of the checkpoint: events are in it that the log does not hold so",
    );
  }

  #checkManifest(manifest: Manifest, checkpoint: Checkpoint): void {
    const found: readonly (readonly [keyof Manifest, unknown, string])[] = [
      ["origin", checkpoint.origin, "by the checkpoint"],
      ["tree_size", checkpoint.size, "by the checkpoint"],
      ["root", checkpoint.root.toString("hex"), "by the checkpoint"],
      ["events", this.#counts.whole + this.#counts.erased, "in the archive"],
      ["removed", this.#counts.removed, "in the archive"],
      ["first_log_index", this.#first, "in the archive"],
      ["last_log_index", this.#last, "in the archive"],
    ];
    for (const [name, value, where] of found) {
      if (manifest[name] !== value) {
        throw new Flaw(`${name} is ${manifest[name] ?? "left out"}, and ${value ?? "none"} ${where}`, {
          file: MANIFEST,
        });
      }
    }
    this.#checkClaim(manifest);
  }

  #checkClaim(manifest: Manifest): void {
    const wanted = filteredCorrelation(manifest.filter);
    const { correlations, firstHole } = this.#chains;
    if (wanted !== undefined && (correlations > 1 || (correlations === 1 && !this.#chains.has(wanted)))) {
      throw new Flaw("the filter asks for one correlation, and events of others are in the bundle", { file: MANIFEST });
    }
    if (claimedCorrelation(manifest) !== undefined && firstHole !== undefined) throw firstHole;
  }

  #report(checked: {
    readonly note: SignedNote;
    readonly checkpoint: Checkpoint;
    readonly checkpointKeys: readonly CheckedKey[];
    readonly manifest: Manifest;
    readonly manifestKeys: readonly CheckedKey[];
    readonly known: KnownKeys;
  }): BundleReport {
    const { note, checkpoint, checkpointKeys, manifest, manifestKeys, known } = checked;
    const used = [...checkpointKeys, ...manifestKeys];
    const vouched = known.vouched(used);
    if (this.#given.length > 0 && !vouched) throw notVouched(used);
    return {
      kind: "bundle",
      vouched,
      checkpoint: {
        ...checkpoint,
        root: checkpoint.root.toString("hex"),
        keys: checkpointKeys,
        unchecked: uncheckedNames(note, checkpointKeys),
      },
      manifestKeys,
      exportId: manifest.export_id,
      created: manifest.created,
      filter: manifest.filter,
      wholeCorrelation: claimedCorrelation(manifest),
      events: this.#counts.whole,
      erased: this.#counts.erased,
      removed: this.#counts.removed,
      unlinked: this.#chains.unlinked,
      correlations: this.#chains.correlations,
      links: this.#chains.links,
      firstLogIndex: this.#first,
      lastLogIndex: this.#last,
      unusedKeys: known.unused(used),
    };
  }
}

function readCheckpoint({ text }: SignedNote): Checkpoint {
  try {
    return parseCheckpoint(text);
  } catch (cause) {
    throw asFlaw(cause, "checkpoint");
  }
}

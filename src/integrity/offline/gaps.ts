import { HASH_BYTES } from "../entry.ts";
import { alignedSubtrees } from "../merkle/subtrees.ts";
import { decodeBase64 } from "../note/base64.ts";
import type { ArchiveFile } from "./archive.ts";
import { Flaw, type Place } from "./flaw.ts";
import type { Fold } from "./fold.ts";
import { type Line, readLines } from "./lines.ts";
import { COUNT, checkMembers, LIST, members, parseObject } from "./members.ts";

/** A line of a proof: roots of the subtrees that cover the entries from `first` to `last`, which the bundle does not hold. */
interface Gap {
  readonly first: number;
  readonly last: number;
  readonly hashes: readonly unknown[];
}

const GAP = members({ first: COUNT, last: COUNT, hashes: LIST });

/** Most bytes of a proof part, and of a line of it: a gap has at most 105 hashes. */
const MAX_PROOF_BYTES = 64 * 1024 * 1024;
const MAX_LINE_BYTES = 16 * 1024;
/** Most lines of a proof part: one before each event of a part, which has 10,000 at most. */
const MAX_LINES = 100_000;

/** The lines of a proof part, each to be used once and in turn. */
export class Gaps {
  readonly #file: string;
  readonly #lines: readonly Line[];
  #next = 0;

  constructor(file: string, lines: readonly Line[]) {
    this.#file = file;
    this.#lines = lines;
  }

  /** Reads a proof part whole. @throws Flaw where it is too long. */
  static async read({ name, size, chunks }: ArchiveFile): Promise<Gaps> {
    if (size > MAX_PROOF_BYTES) throw new Flaw(`is longer than ${MAX_PROOF_BYTES} bytes`, { file: name });
    const all: Line[] = [];
    for await (const lines of readLines(name, chunks, MAX_LINE_BYTES)) {
      for (const line of lines) all.push(line);
      if (all.length > MAX_LINES) throw new Flaw(`has more than ${MAX_LINES} lines`, { file: name });
    }
    return new Gaps(name, all);
  }

  /**
   * Fills the tree up to `end` with the next line.
   *
   * @param before the event that stands behind the gap; undefined at the end of the log.
   * @throws Flaw where the line is not about just these entries.
   */
  fill(fold: Fold, end: number, before?: Place): void {
    const [first, last] = [fold.size, end - 1];
    const line = this.#lines[this.#next++];
    const missing = `entries ${first} to ${last} are not in the bundle`;
    if (line === undefined) throw new Flaw(`${missing}, and no line of ${this.#file} covers them`, before);
    const place = { file: this.#file, line: line.number };
    const gap = readGap(line.text, place);
    if (gap.first !== first || gap.last !== last) {
      const covered = `${this.#file}:${line.number} covers ${gap.first} to ${gap.last}`;
      throw new Flaw(`${missing}, and ${covered}: its log_index or that line was changed`, before ?? place);
    }
    const levels = alignedSubtrees(first, end).map(({ level }) => level);
    fold.appendSubtrees(levels, readHashes(gap, levels.length, place));
  }

  /** @throws Flaw where a line is left that covers nothing. */
  checkUsedUp(): void {
    const line = this.#lines[this.#next];
    if (line === undefined) return;
    throw new Flaw("covers no gap between events of its part", { file: this.#file, line: line.number });
  }
}

function readGap(text: string, place: Place): Gap {
  const line = parseObject(text, place);
  checkMembers(line, GAP, place);
  return line as unknown as Gap;
}

function readHashes({ first, last, hashes }: Gap, count: number, place: Place): Buffer[] {
  if (hashes.length !== count) {
    throw new Flaw(`has ${hashes.length} hashes: ${count} subtrees cover entries ${first} to ${last}`, place);
  }
  return hashes.map((encoded, index) => {
    const hash = typeof encoded === "string" ? decodeBase64(encoded) : undefined;
    if (hash?.length === HASH_BYTES) return hash;
    throw new Flaw(`hashes[${index}] must be ${HASH_BYTES} bytes in base64`, place);
  });
}

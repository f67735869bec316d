import { CompactRange } from "../../integrity/merkle/compact_range.ts";
import type { Checkpoint } from "../../integrity/note/checkpoint.ts";
import type { CheckContext } from "../check.ts";
import { statement } from "../statement.ts";

const NOTES = statement("log_notes");

interface NoteRow {
  readonly size: string;
  readonly name: string;
  readonly origin: string | null;
  /** Hex; null where the table has no column for it. */
  readonly root: string | null;
  readonly note: string;
}

/** Reads the checkpoint of a note, and tells what is wrong with it. */
export type ReadCheckpoint = (name: string, note: string) => Promise<Checkpoint | undefined>;

/** A checkpoint that the tree has to agree with. */
interface WantedRoot {
  readonly name: string;
  readonly size: number;
  /** Hex. */
  readonly root: string;
}

/** Holds every checkpoint against the tree as it was at the checkpoint's size, while the tree grows. */
export class CheckpointRoots {
  readonly #report: CheckContext<"log">["report"];
  readonly #wanted: AsyncGenerator<WantedRoot, undefined>;
  #next: WantedRoot | undefined;
  #begun = false;

  /** `kept`: a checkpoint kept elsewhere. */
  constructor(context: CheckContext<"log">, read: ReadCheckpoint, kept: WantedRoot | undefined) {
    this.#report = context.report;
    this.#wanted = withKept(wantedRoots(context, read), kept);
  }

  /** Checks those of the sizes from the tree's own up to where these leaves end; the leaves are not yet in the tree. */
  async covered(tree: CompactRange, leaves: readonly Buffer[]): Promise<void> {
    if (!this.#begun) await this.#advance();
    while (this.#next !== undefined && this.#next.size <= tree.size + leaves.length) {
      const { name, size, root } = this.#next;
      const then = CompactRange.from(tree.size, tree.hashes);
      for (const leaf of leaves.slice(0, size - tree.size)) then.append(leaf);
      const found = then.root().toString("hex");
      if (found !== root) await this.#report.fault("note_root", { name, expected: root, found });
      await this.#advance();
    }
  }

  /** Tells of those that are of a larger tree. */
  async beyond(size: number): Promise<void> {
    for (; this.#next !== undefined; await this.#advance()) {
      const [expected, found] = [`${this.#next.size} entries`, `${size}`];
      await this.#report.fault("note_size", { name: this.#next.name, expected, found });
    }
  }

  async #advance(): Promise<void> {
    this.#begun = true;
    this.#next = (await this.#wanted.next()).value;
  }
}

/** In the order of sizes. */
async function* wantedRoots(
  { snapshot, report }: CheckContext<"log">,
  read: ReadCheckpoint,
): AsyncGenerator<WantedRoot, undefined> {
  for await (const page of snapshot.pages<NoteRow>(NOTES)) {
    for (const { size, name, origin, root, note } of page) {
      const checkpoint = await read(name, note);
      if (checkpoint === undefined) continue;
      const said = [checkpoint.origin, checkpoint.size, checkpoint.root.toString("hex")];
      const noted = [origin, size, root ?? said[2]];
      if (said.join("\n") !== noted.join("\n")) {
        await report.fault("note", { name, expected: noted.join(" "), found: said.join(" ") });
      }
      yield { name, size: Number(size), root: checkpoint.root.toString("hex") };
    }
  }
  return undefined;
}

async function* withKept(
  wanted: AsyncGenerator<WantedRoot, undefined>,
  kept: WantedRoot | undefined,
): AsyncGenerator<WantedRoot, undefined> {
  let waiting = kept;
  for await (const one of wanted) {
    if (waiting !== undefined && waiting.size < one.size) {
      yield waiting;
      waiting = undefined;
    }
    yield one;
  }
  if (waiting !== undefined) yield waiting;
  return undefined;
}

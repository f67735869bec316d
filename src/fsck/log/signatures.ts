import { type Checkpoint, parseCheckpoint } from "../../integrity/note/checkpoint.ts";
import { NoteError, parseNote, parseVerifierKey, type Verifier, verifyNote } from "../../integrity/note/signed_note.ts";
import type { CheckContext } from "../check.ts";
import { statement } from "../statement.ts";

const KEYS = statement("log_keys");

/** Reads checkpoints with the keys that the database knows of, or with one that is known from elsewhere. */
export class Signatures {
  readonly #report: CheckContext<"log">["report"];
  /** The log's own keys. */
  readonly #log: readonly Verifier[];
  /** Others whose signatures must be right where they are. */
  readonly #others: readonly Verifier[];

  private constructor(report: CheckContext<"log">["report"], log: readonly Verifier[], others: readonly Verifier[]) {
    this.#report = report;
    this.#log = log;
    this.#others = others;
  }

  /** The keys of the database; tells of those that cannot be read. */
  static async read({ snapshot, report }: CheckContext<"log">): Promise<Signatures> {
    const log: Verifier[] = [];
    const others: Verifier[] = [];
    for (const { verifier_key, purpose } of await snapshot.all<{ verifier_key: string; purpose: string }>(KEYS)) {
      try {
        (purpose === "log" ? log : others).push(parseVerifierKey(verifier_key));
      } catch (error) {
        if (!(error instanceof NoteError)) throw error;
        await report.fault("unreadable_key", { name: verifier_key, found: error.message });
      }
    }
    return new Signatures(report, log, others);
  }

  /** Trusts this key alone. */
  static of({ report }: CheckContext<"log">, verifier: Verifier): Signatures {
    return new Signatures(report, [verifier], []);
  }

  /** The checkpoint of a note; where it is none, or not signed by the log, that is told. */
  async checkpoint(name: string, note: string): Promise<Checkpoint | undefined> {
    let checkpoint: Checkpoint | undefined;
    try {
      const signed = parseNote(note);
      checkpoint = parseCheckpoint(signed.text);
      const known = [...this.#log, ...this.#others];
      const verified = verifyNote(signed, known);
      if (!verified.some(({ verifier }) => this.#log.includes(verifier))) {
        await this.#report.fault("signature", { name, found: "signatures of others alone" });
      }
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      await this.#report.fault(checkpoint === undefined ? "unreadable_note" : "signature", {
        name,
        found: error.message,
      });
    }
    return checkpoint;
  }
}

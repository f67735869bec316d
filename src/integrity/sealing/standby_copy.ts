import { noteText } from "../note/signed_note.ts";
import { publishedOf } from "./publication.ts";
import { readStanding, type StandingParts, tellContradiction } from "./standing.ts";

/** How long a copy that cannot be made, or may not, is left as it is. */
const TRY_AGAIN_MS = 3000;

export interface StandbyParts extends StandingParts {
  readonly monotonicMs: () => number;
}

/**
 * The copy of the published checkpoint that a process keeps which does not sign: so that it, too, would find out that the
 * database was taken back.
 */
export class StandbyCopy {
  readonly #parts: StandbyParts;
  /** The published note that is kept. */
  #copied: string | undefined;
  #tryAt = Number.NEGATIVE_INFINITY;

  constructor(parts: StandbyParts) {
    this.#parts = parts;
  }

  /** Follows what is published. False: it contradicts what is kept, and is told. @throws as readStanding. */
  async follow(publishedNote: string): Promise<boolean | undefined> {
    const { kept: file, monotonicMs } = this.#parts;
    if (publishedNote === this.#copied || monotonicMs() < this.#tryAt) return undefined;
    this.#tryAt = monotonicMs() + TRY_AGAIN_MS;
    const { state, kept, contradiction } = await readStanding(this.#parts);
    if (contradiction !== undefined) {
      tellContradiction(contradiction, this.#parts);
      return false;
    }
    const published = publishedOf(state);
    if (published === undefined) return true;
    await file.follow(kept, noteText(published.note));
    if (!file.isKept) return true;
    this.#copied = state.publishedNote;
    this.#tryAt = Number.NEGATIVE_INFINITY;
    return true;
  }
}

import type { EventLine } from "./event_line.ts";
import { Flaw, type Place } from "./flaw.ts";

interface Last {
  position: number;
  hash: string;
  removed: boolean;
}

/**
 * Holds the events of each chain against each other as they come in the order of the log. Keeps the last place and hash of
 * each correlation: about 300 bytes each, and no more however many events there are.
 */
export class Chains {
  readonly #last = new Map<string, Last>();
  /** Where a place of a chain is not in the bundle, for the first time. */
  #firstHole: Flaw | undefined;
  #unlinked = 0;
  /** Events that were held against the one before them, or found to be the first of their chain. */
  links = 0;

  get correlations(): number {
    return this.#last.size;
  }

  /** The first place that is missing from a chain's beginning or middle; undefined where every chain starts at 1 without a gap. */
  get firstHole(): Flaw | undefined {
    return this.#firstHole;
  }

  /**
   * Removed events that no event after them names as the one before it: that they are of their correlation is no more than what
   * their line says.
   */
  get unlinked(): number {
    let last = 0;
    for (const { removed } of this.#last.values()) if (removed) last += 1;
    return this.#unlinked + last;
  }

  has(correlationId: string): boolean {
    return this.#last.has(correlationId);
  }

  /** @throws Flaw where the event cannot follow the one before it in its chain. */
  add(line: EventLine, place: Place): void {
    const last = this.#last.get(line.correlationId);
    const [before, position] = [last?.position ?? 0, line.chainPosition];
    if (position <= before) {
      throw new Flaw(`chain_position is ${position}, and an earlier event of the correlation has ${before}`, place);
    }
    if (line.kind !== "removed") this.#checkPrevious(line, last, place);
    if (last?.removed && (line.kind === "removed" || position !== before + 1)) this.#unlinked += 1;
    if (position !== before + 1) {
      this.#firstHole ??= new Flaw(
        `chain_position is ${position} where ${before + 1} must stand: the chain has a gap`,
        place,
      );
    }
    const removed = line.kind === "removed";
    if (last === undefined) this.#last.set(line.correlationId, { position, hash: line.eventHash, removed });
    else [last.position, last.hash, last.removed] = [position, line.eventHash, removed];
  }

  #checkPrevious({ chainPosition, previousEventHash }: EventLine, last: Last | undefined, place: Place): void {
    if ((chainPosition === 1) !== (previousEventHash === undefined)) {
      const rule =
        chainPosition === 1 ? "the first event of a chain has none" : "only the first event of a chain has none";
      throw new Flaw(`previous_event_hash is ${chainPosition === 1 ? "there" : "missing"}: ${rule}`, place);
    }
    if (chainPosition !== 1 && last?.position !== chainPosition - 1) return;
    if (previousEventHash !== last?.hash) {
      throw new Flaw("previous_event_hash is not the event_hash of the event before it in its chain", place);
    }
    this.links += 1;
  }
}

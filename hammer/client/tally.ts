import type { Batch } from "./batch_source.ts";
import type { History } from "./history.ts";
import type { ClientProgress } from "./options.ts";
import { type Letter, outcomesText } from "./outcomes.ts";

/** Writes into a process's history what becomes of its batches, and counts it. */
export class Tally {
  readonly #history: History;
  readonly #counts = { sent: 0, acked: 0, recorded: 0, queued: 0, duplicates: 0, unknown: 0 };
  #calls = 0;

  constructor(history: History) {
    this.#history = history;
  }

  get progress(): ClientProgress {
    return this.#counts;
  }

  /** A new stream, or a new link for calls; gives its number. */
  opened(address: string, ordered: boolean): number {
    const call = ++this.#calls;
    this.#history.append({ t: "opened", call, address, ordered });
    return call;
  }

  made({ number, first, count, required }: Batch, source: number): void {
    this.#history.append({ t: "batch", batch: number, source, first, count, required });
    this.#counts.sent += count;
  }

  repeats(batch: Batch, of: Batch): void {
    this.#history.append({ t: "repeat", batch: batch.number, of: of.number });
  }

  twins(batch: Batch, source: number): void {
    this.#history.append({ t: "twin", batch: batch.number, source, counter: batch.first });
  }

  /** Resolves when the history on the disk says that the batch is about to be sent. */
  async sending(batch: Batch, call: number): Promise<void> {
    this.#history.append({ t: "sent", batch: batch.number, call });
    await this.#history.durable();
  }

  acked(batch: Batch, call: number, outcomes: readonly Letter[]): void {
    this.#history.append({ t: "acked", batch: batch.number, call, outcomes: outcomesText(outcomes) });
    if (batch.kind !== "new") return;
    this.#counts.acked += batch.count;
    for (const letter of outcomes) {
      if (letter === "R") this.#counts.recorded++;
      if (letter === "Q") this.#counts.queued++;
      if (letter === "D") this.#counts.duplicates++;
    }
  }

  missing(batch: Batch): void {
    this.#history.append({ t: "missing", batch: batch.number });
  }

  unknown(batch: Batch, call: number, why: string): void {
    this.#history.append({ t: "unknown", batch: batch.number, call, why });
    this.#counts.unknown += batch.count;
  }
}

import type { OwnEvent } from "../../audit/own_event.ts";
import type { Database } from "../../postgres/database.ts";
import { type LogSigners, usedKeys } from "./log_signers.ts";
import { originOpened } from "./origin.ts";
import { noteKey, type SealingState } from "./statements.ts";

/** How often it is written down which keys sign. */
const NOTE_KEYS_MS = 60 * 60_000;

export interface RegisterParts {
  readonly database: Database;
  /** Records an event of the service's own; resolves when a store has it. */
  readonly record: (event: OwnEvent) => Promise<void>;
  readonly monotonicMs: () => number;
}

/** What is written down for good of who signs the log, before anything is signed. */
export class Register {
  readonly #parts: RegisterParts;
  /** The origin of which it is recorded that it was opened. */
  #origin: string | undefined;
  #noteKeysAt = Number.NEGATIVE_INFINITY;

  constructor(parts: RegisterParts) {
    this.#parts = parts;
  }

  /** Whether it is recorded that an origin was opened. */
  knows(origin: string | undefined): boolean {
    return this.#origin === origin;
  }

  /** The log was signed under an origin before: so it is recorded. */
  learn(origin: string): void {
    this.#origin = origin;
  }

  /** The keys that sign are others from now on. */
  forgetKeys(): void {
    this.#noteKeysAt = Number.NEGATIVE_INFINITY;
  }

  /** Records that an origin was opened. Done twice where the process ends in between. */
  async recordOrigin({ origins }: SealingState, origin: string): Promise<void> {
    if (this.knows(origin)) return;
    const opened = origins.find((known) => known.origin === origin);
    if (opened !== undefined) await this.#parts.record(originOpened(opened));
    this.#origin = origin;
  }

  /** Writes down that these keys sign, once an hour. */
  async noteKeys(signers: LogSigners): Promise<void> {
    const { database, monotonicMs } = this.#parts;
    if (monotonicMs() < this.#noteKeysAt) return;
    for (const key of usedKeys(signers)) await noteKey(database, key);
    this.#noteKeysAt = monotonicMs() + NOTE_KEYS_MS;
  }
}

import { valkeyUnavailable } from "../valkey/errors.ts";
import type { Commands, Valkey } from "../valkey/valkey.ts";
import { DEAD_LETTER_KEYS, type StreamName } from "./keys.ts";
import type { QueueStore } from "./queue_store.ts";
import { loadScript, SCRIPT_KEYS } from "./scripts.ts";

/** Names a dead letter. `sequence` counts over both streams: lower is older. */
export interface LetterPlace {
  readonly stream: StreamName;
  readonly sequence: number;
}

/** A dead letter as it stands in Valkey. */
export interface StoredLetter extends LetterPlace {
  readonly fields: Readonly<Record<string, string>>;
}

export interface LettersStoreOptions {
  readonly valkey: Pick<Valkey, "run" | "runSynced" | "restart">;
  /** Knows which queue it is. */
  readonly store: Pick<QueueStore, "epoch">;
}

/** Letters that are read at once: one may hold a few megabytes. */
const READ_LETTERS = 16;
const REMOVE_LETTERS = loadScript("remove_letters");

/** The dead letters in Valkey. Every call fails as Valkey.run does. */
export class LettersStore {
  readonly #options: LettersStoreOptions;

  constructor(options: LettersStoreOptions) {
    this.#options = options;
  }

  /** The letters of these streams with a higher sequence than `after`, the oldest first; a few are read ahead. */
  async *scan(streams: readonly StreamName[], after: number): AsyncGenerator<StoredLetter> {
    const heads = streams.map((stream) => this.#scanStream(stream, after));
    const next = await Promise.all(heads.map(async (head) => (await head.next()).value));
    for (;;) {
      let lowest = -1;
      for (const [index, letter] of next.entries()) {
        if (letter && letter.sequence < (next[lowest]?.sequence ?? Number.POSITIVE_INFINITY)) lowest = index;
      }
      const letter = next[lowest];
      if (!letter) return;
      yield letter;
      next[lowest] = (await heads[lowest]?.next())?.value;
    }
  }

  async *#scanStream(stream: StreamName, after: number): AsyncGenerator<StoredLetter, undefined> {
    for (let last = after; ; ) {
      const from = `(${last}-0`;
      const rows = await this.#options.valkey.run((redis) =>
        redis.xrange(DEAD_LETTER_KEYS[stream], from, "+", "COUNT", READ_LETTERS),
      );
      for (const row of rows) {
        const letter = toLetter(stream, row);
        last = letter.sequence;
        yield letter;
      }
      if (rows.length < READ_LETTERS) return undefined;
    }
  }

  /** These letters, in order; undefined where there is none. The caller bounds how many are held at once. */
  async get(places: readonly LetterPlace[]): Promise<(StoredLetter | undefined)[]> {
    return this.#options.valkey.run((redis) =>
      Promise.all(
        places.map(async ({ stream, sequence }) => {
          const id = `${sequence}-0`;
          const [row] = await redis.xrange(DEAD_LETTER_KEYS[stream], id, id);
          return row && toLetter(stream, row);
        }),
      ),
    );
  }

  /** Removes letters, and resolves when that is on disk; tells of each whether it was there. */
  async remove(places: readonly LetterPlace[]): Promise<boolean[]> {
    const removed = new Set<LetterPlace>();
    await this.#options.valkey.runSynced(async (redis) => {
      for (const [stream, own] of Map.groupBy(places, (place) => place.stream)) {
        const flags = await this.#removeOf(redis, stream, own);
        for (const [index, place] of own.entries()) if (flags[index] === 1) removed.add(place);
      }
    });
    return places.map((place) => removed.has(place));
  }

  async #removeOf(redis: Commands, stream: StreamName, places: readonly LetterPlace[]): Promise<unknown[]> {
    const { valkey, store } = this.#options;
    const args = [store.epoch ?? "", stream, ...places.map(({ sequence }) => sequence)];
    const [word, ...flags] = (await REMOVE_LETTERS.run(redis, SCRIPT_KEYS, args)) as unknown[];
    if (word !== "EPOCH") return flags;
    // A new session tells of it.
    valkey.restart("the queue was wiped");
    throw valkeyUnavailable("the queue was wiped");
  }
}

function toLetter(stream: StreamName, [id, texts]: [id: string, fields: string[]]): StoredLetter {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < texts.length; at += 2) fields[texts[at] as string] = texts[at + 1] as string;
  return { stream, sequence: Number(id.split("-")[0]), fields };
}

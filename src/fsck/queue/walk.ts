import type { PreparedEvent } from "../../audit/prepare.ts";
import { decodeEntry, EntryUnreadable } from "../../deadletter/entry.ts";
import { DEAD_LETTER_KEYS, QUEUE_KEYS, SIZES_KEY, type StreamName } from "../../deadletter/keys.ts";
import { readLetter } from "../../deadletter/letter.ts";
import type { CheckContext } from "../check.ts";
import { type QueueReader, type RawEntry, sequenceOf } from "./reader.ts";
import { StoredTally } from "./stored.ts";

/** What the queue gives: a number of its sequence. */
const ENTRY_ID = /^[1-9]\d*-0$/;

/** Looks at every entry and every dead letter once, and remembers their numbers and sums. */
export class QueueWalk {
  readonly #report: CheckContext<"queue">["report"];
  readonly #reader: QueueReader;
  readonly #queued: StoredTally;
  readonly #dead: StoredTally;
  /** In which stream each number of the sequence was met. */
  readonly #seen = new Map<string, string>();
  readonly #bytes = new Map<string, number>();
  #counter = 0;
  #undecodable = 0;
  #looked = 0;

  constructor({ snapshot, report }: CheckContext<"queue">, reader: QueueReader) {
    this.#report = report;
    this.#reader = reader;
    this.#queued = new StoredTally(snapshot);
    this.#dead = new StoredTally(snapshot);
  }

  /** Entries and dead letters so far. */
  get looked(): number {
    return this.#looked;
  }

  /** Whether an entry of this number was met. */
  hasSeen(sequence: string): boolean {
    const key = this.#seen.get(sequence);
    return key === QUEUE_KEYS.events || key === QUEUE_KEYS.notifications;
  }

  /** What was met in a stream adds up to so many bytes. */
  bytesOf(key: string): number {
    return this.#bytes.get(key) ?? 0;
  }

  /** Every entry can be read, has a number of its own, and its size is noted. */
  async entries(stream: StreamName): Promise<void> {
    const key = QUEUE_KEYS[stream];
    for await (const page of this.#reader.entries(key)) {
      const ids = page.map(({ id }) => sequenceOf(id));
      const sizes = await this.#reader.values(SIZES_KEY, ids);
      for (const [index, entry] of page.entries()) {
        const isOurs = await this.#meet(key, entry);
        if (isOurs && sizes[index] !== String(entry.bytes)) await this.#checkSize(key, entry);
        await this.#queued.add(await this.#decoded(key, entry));
      }
    }
  }

  /** Every dead letter can be read; those of entries that nobody could read say so. */
  async letters(stream: StreamName): Promise<void> {
    const key = DEAD_LETTER_KEYS[stream];
    for await (const page of this.#reader.entries(key)) {
      for (const entry of page) {
        await this.#meet(key, entry);
        const { event } = readLetter(entry.fields);
        if (event !== undefined) await this.#dead.add([event]);
        else if (entry.fields["reason"] === "undecodable") this.#undecodable++;
        else await this.#report.fault("unreadable_letter", { name: `${key} ${entry.id}` });
      }
    }
  }

  /** Tells how what waits stands to what is stored. */
  tellStored(): void {
    const notes: [number, string][] = [
      [this.#queued.absent, "events of the queue are not stored yet"],
      [this.#queued.same, "events of the queue are stored already, and will be found to be duplicates"],
      [this.#queued.other, "events of the queue have the id of a stored one and other content"],
      [this.#dead.absent, "dead letters are not stored"],
      [this.#dead.same, "dead letters are stored with the same content, and can be discarded"],
      [this.#dead.other, "dead letters have the id of a stored event and other content"],
      [this.#undecodable, "dead letters hold what could not be read"],
    ];
    for (const [number, text] of notes) if (number > 0) this.#report.note(`${number} ${text}`);
  }

  /** Counts what was met, and checks its number. False: it has none. */
  async #meet(key: string, { id, bytes }: RawEntry): Promise<boolean> {
    this.#report.progress(++this.#looked);
    this.#bytes.set(key, this.bytesOf(key) + bytes);
    const name = `${key} ${id}`;
    if (!ENTRY_ID.test(id)) {
      await this.#report.fault("foreign_entry_id", { name });
      return false;
    }
    const sequence = sequenceOf(id);
    const other = this.#seen.get(sequence);
    if (other !== undefined) await this.#report.fault("sequence_twice", { name, found: `also in ${other}` });
    else this.#seen.set(sequence, key);
    if (Number(sequence) > this.#counter) this.#counter = await this.#reader.sequence();
    if (Number(sequence) > this.#counter) {
      await this.#report.fault("sequence_behind", { name, expected: `${sequence} or more`, found: `${this.#counter}` });
    }
    return true;
  }

  /** The entry may have been settled since its page was read. */
  async #checkSize(key: string, { id, bytes }: RawEntry): Promise<void> {
    const { there, value } = await this.#reader.valueBeside(key, id, SIZES_KEY);
    if (!there || value === String(bytes)) return;
    const found = value === null ? "none" : `${value} bytes`;
    await this.#report.fault("wrong_size", { name: `${key} ${id}`, expected: `${bytes} bytes`, found });
  }

  async #decoded(key: string, { id, fields }: RawEntry): Promise<PreparedEvent[]> {
    try {
      return decodeEntry(fields);
    } catch (error) {
      if (!(error instanceof EntryUnreadable)) throw error;
      await this.#report.fault("unreadable_entry", { name: `${key} ${id}`, found: error.message });
      return [];
    }
  }
}

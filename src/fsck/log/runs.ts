import { entryOf, logSalt } from "../../integrity/entry.ts";
import type { CheckContext } from "../check.ts";
import { statement } from "../statement.ts";

const RUNS = statement("log_runs");
const SALT_DIGITS = 32;

/** What should be at an index of the log. */
export interface ExpectedEntry {
  readonly correlationId: string;
  readonly position: number;
  /** Hex. */
  readonly entry: string;
}

/** A run, or a part of one that is longer than any that a service writes. */
interface Run {
  readonly first: number;
  readonly count: number;
  readonly position: number;
  readonly salt: string;
  readonly events: ReadonlyMap<number, string>;
  readonly correlationId: string;
}

/** The entries that follow from runs and events, in the order of the log; tells what is wrong with runs on the way. */
export class ExpectedEntries {
  readonly #report: CheckContext<"log">["report"];
  readonly #runs: AsyncGenerator<Run, undefined>;
  readonly #size: number;
  #entries = new Map<number, ExpectedEntry>();
  /** Up to which index the runs were read. */
  #read = 0;

  constructor({ snapshot, report }: CheckContext<"log">, size: number) {
    this.#report = report;
    this.#size = size;
    this.#runs = runsOf(snapshot, size);
  }

  /** Whether there are neither runs nor entries left. */
  get ended(): boolean {
    return this.#read >= this.#size && this.#entries.size === 0;
  }

  /** What follows for the indexes up to `end` that were not asked for yet; none for those of which nothing follows. */
  async upTo(end: number): Promise<ReadonlyMap<number, ExpectedEntry>> {
    while (this.#read < end) {
      const { value: run } = await this.#runs.next();
      if (run === undefined) {
        await this.#report.fault("no_run", { name: indexes(this.#read, this.#size) });
        this.#read = this.#size;
      } else await this.#take(run);
    }
    const wanted = this.#entries;
    this.#entries = new Map();
    for (const [index, entry] of wanted) if (index >= end) this.#entries.set(index, entry);
    return wanted;
  }

  /** Reads the runs that nobody asked for. */
  async rest(): Promise<void> {
    for await (const run of this.#runs) await this.#take(run);
  }

  async #take(run: Run): Promise<void> {
    const { correlationId, position } = run;
    const end = run.first + run.count;
    const where = { correlationId, position };
    if (run.first > this.#read && this.#read < this.#size) {
      await this.#report.fault("no_run", { name: indexes(this.#read, Math.min(run.first, this.#size)) });
    }
    if (run.first < this.#read) {
      await this.#report.fault("two_runs", { ...where, name: indexes(run.first, Math.min(this.#read, end)) });
    }
    if (end > this.#size) {
      await this.#report.fault("beyond_size", { ...where, name: indexes(Math.max(run.first, this.#size), end) });
    }
    if (run.salt.length !== SALT_DIGITS) await this.#report.fault("run_salt", where);
    const missing = this.#expect(run, Math.min(end, this.#size));
    this.#read = Math.max(this.#read, Math.min(end, this.#size));
    if (missing.length === 0) return;
    const found = `${run.count - missing.length} of ${run.count} events from place ${position} on`;
    await this.#report.fault("no_event", { ...where, position: missing[0] as number, found });
  }

  /** Gives the places whose events are not there. */
  #expect({ first, position: from, salt, events, correlationId }: Run, end: number): number[] {
    const missing: number[] = [];
    for (let index = first; index < end; index++) {
      const position = from + index - first;
      const hash = events.get(position);
      if (hash === undefined) missing.push(position);
      else if (index >= this.#read) {
        this.#entries.set(index, { correlationId, position, entry: entryOf(logSalt(salt, position), position, hash) });
      }
    }
    return missing;
  }
}

async function* runsOf(snapshot: CheckContext<"log">["snapshot"], size: number): AsyncGenerator<Run, undefined> {
  const end = String(Math.min(size, Number.MAX_SAFE_INTEGER));
  for await (const page of snapshot.texts(RUNS, [end])) for (const text of page) yield readRun(text);
  return undefined;
}

function readRun(text: string): Run {
  const [first, count, position, salt = "", events = "", ...correlationId] = text.split("\u001f");
  return {
    first: Number(first),
    count: Number(count),
    position: Number(position),
    salt,
    events: new Map(events.split(",").map((event) => readEvent(event))),
    // It may hold the character that stands between the fields.
    correlationId: correlationId.join("\u001f"),
  };
}

function readEvent(text: string): [position: number, hash: string] {
  const colon = text.indexOf(":");
  return [Number(text.slice(0, colon)), text.slice(colon + 1)];
}

/** `end` is not among them. */
export function indexes(first: number, end: number): string {
  return end - first === 1 ? `index ${first}` : `indexes ${first} to ${end - 1}`;
}

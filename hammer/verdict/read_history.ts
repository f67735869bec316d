import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Line } from "../client/history.ts";
import { type Letter, readOutcomes } from "../client/outcomes.ts";
import type { Found } from "./finding.ts";
import { type Ledger, type SourceLedger, State } from "./ledger.ts";

/** What the clients did, by one history or all. Numbers of events. */
export interface Counts {
  /** Sent, each counted once. */
  readonly sent: number;
  /** Acknowledged with an outcome, each counted once by its first one. */
  readonly acknowledged: number;
  readonly recorded: number;
  readonly queued: number;
  readonly duplicates: number;
  /** Never acknowledged. */
  readonly open: number;
  /** Attempts without an outcome. */
  readonly unknown: number;
  /** Sent again because the fate was unknown. */
  readonly resent: number;
  /** Sent again on purpose after they were acknowledged. */
  readonly repeated: number;
  /** Sent again with other content, and how many of these were QUEUED: each becomes a dead letter. */
  readonly twins: number;
  readonly twinsQueued: number;
}

export const NO_COUNTS: Counts = {
  sent: 0,
  acknowledged: 0,
  recorded: 0,
  queued: 0,
  duplicates: 0,
  open: 0,
  unknown: 0,
  resent: 0,
  repeated: 0,
  twins: 0,
  twinsQueued: 0,
};

export function addCounts(a: Counts, b: Counts): Counts {
  const names = Object.keys(a) as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as Counts;
}

/** What a history alone tells of: events that a read did not find, and answers that must not be. */
export interface HistoryFindings {
  readonly lost: Found;
  readonly conflicting: Found;
}

/** Enters the history of one client process into the ledger. */
export async function readHistory(
  path: string,
  ledger: Ledger,
  findings: HistoryFindings,
  allowLostQueued: boolean,
): Promise<{ counts: Counts; twinIds: readonly string[] }> {
  const reader = new HistoryReader(ledger, findings, allowLostQueued);
  let torn: string | undefined;
  for await (const line of createInterface(createReadStream(path))) {
    if (torn !== undefined) throw new Error(`${path} holds a line that is no JSON: ${torn}`);
    const read = parse(line);
    // The last line may be cut short, where the process was.
    if (read === undefined) torn = line;
    else reader.take(read);
  }
  return { counts: reader.counts, twinIds: reader.twinIds };
}

function parse(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
}

/** A batch as its history tells of it. */
interface KnownBatch {
  readonly kind: "new" | "repeat" | "twin";
  readonly source: SourceLedger;
  readonly first: number;
  readonly count: number;
  readonly required: boolean;
  attempts: number;
}

/** What may be answered to an event that was acknowledged before and is sent again as it was. */
const TO_REPEATS = { [State.RECORDED]: "DQ", [State.QUEUED]: "RDQ" } as const;
/** What may be answered to an event whose id was recorded with other content. */
const TO_TWINS = "CQ";
/** What may be answered to an event of which nothing is known. */
const TO_NEW = "RDQ";

class HistoryReader {
  readonly counts = { ...NO_COUNTS };
  readonly twinIds: string[] = [];
  readonly #ledger: Ledger;
  readonly #lost: Found;
  readonly #conflicting: Found;
  readonly #allowLostQueued: boolean;
  readonly #batches = new Map<number, KnownBatch>();
  readonly #ordered = new Set<number>();
  #process = 0;

  constructor(ledger: Ledger, { lost, conflicting }: HistoryFindings, allowLostQueued: boolean) {
    this.#ledger = ledger;
    this.#lost = lost;
    this.#conflicting = conflicting;
    this.#allowLostQueued = allowLostQueued;
  }

  take(line: Line): void {
    if (line.t === "process") {
      this.#ledger.seed = line.seed;
      this.#process = line.process;
    } else if (line.t === "opened") {
      if (line.ordered) this.#ordered.add(line.call);
    } else if (line.t === "batch") {
      const { batch, source, first, count, required } = line;
      const ledger = this.#ledger.source(this.#process, source, first + count);
      this.#batches.set(batch, { kind: "new", source: ledger, first, count, required, attempts: 0 });
    } else if (line.t === "repeat") {
      this.#batches.set(line.batch, { ...this.#batch(line.of), kind: "repeat", attempts: 0 });
    } else if (line.t === "twin") {
      const source = this.#ledger.source(this.#process, line.source, line.counter + 1);
      const event = { source, first: line.counter, count: 1, required: false };
      this.#batches.set(line.batch, { kind: "twin", ...event, attempts: 0 });
      this.counts.twins++;
      this.twinIds.push(this.#id(source, line.counter));
    } else if (line.t === "sent") this.#send(this.#batch(line.batch), line.call);
    else if (line.t === "unknown") this.counts.unknown += this.#batch(line.batch).count;
    else if (line.t === "missing") this.#miss(this.#batch(line.batch));
    else if (line.t === "acked") this.#acknowledge(this.#batch(line.batch), line.outcomes, line.call);
  }

  #batch(number: number): KnownBatch {
    const batch = this.#batches.get(number);
    if (batch === undefined) throw new Error(`the history of process ${this.#process} never made batch ${number}`);
    return batch;
  }

  #send(batch: KnownBatch, call: number): void {
    const { kind, source, first, count } = batch;
    if (kind === "repeat") this.#repeat(batch, call);
    else if (kind === "new" && batch.attempts > 0) this.counts.resent += count;
    else if (kind === "new") {
      source.states.fill(State.OPEN, first, first + count);
      this.counts.sent += count;
      this.counts.open += count;
    }
    batch.attempts++;
  }

  /**
   * What waits in the queue loses its order when it is sent again elsewhere: another process may record it at once. Where the
   * queue is wiped it does so on its own stream too: the first one may be gone, and then the second is stored in its place.
   */
  #repeat({ source, first, count }: KnownBatch, call: number): void {
    this.counts.repeated += count;
    for (let counter = first; counter < first + count; counter++) {
      if (source.states[counter] !== State.QUEUED) continue;
      if (this.#allowLostQueued || source.calls[counter] !== call) source.calls[counter] = 0;
    }
  }

  #acknowledge(batch: KnownBatch, text: string, call: number): void {
    let counter = batch.first;
    for (const outcome of readOutcomes(text)) this.#acknowledgeEvent(batch, counter++, outcome, call);
    if (counter !== batch.first + batch.count) {
      throw new Error(`${text} are not the outcomes of ${batch.count} events, in process ${this.#process}`);
    }
  }

  #acknowledgeEvent(batch: KnownBatch, counter: number, outcome: Letter, call: number): void {
    const { kind, source, required } = batch;
    const state = source.states[counter] as State;
    const allowed = kind === "twin" ? TO_TWINS : (TO_REPEATS[state as keyof typeof TO_REPEATS] ?? TO_NEW);
    if (!allowed.includes(outcome) || (required && outcome === "Q")) {
      const was = { new: "sent", repeat: "acknowledged before", twin: "recorded with other content before" }[kind];
      const how = required ? "require_recorded" : "any outcome";
      this.#conflicting.add(
        () => `${this.#id(source, counter)} was ${was}, asked for ${how}, and was answered ${outcome}`,
      );
    }
    if (kind === "twin") this.counts.twinsQueued += outcome === "Q" ? 1 : 0;
    else if (kind === "repeat") this.#confirm(source, counter, outcome);
    else this.#settle(source, counter, outcome, call);
  }

  /** The first outcome of an event. */
  #settle(source: SourceLedger, counter: number, outcome: Letter, call: number): void {
    this.counts.open--;
    this.counts.acknowledged++;
    if (outcome === "R") this.counts.recorded++;
    if (outcome === "D") this.counts.duplicates++;
    if (outcome === "Q") this.counts.queued++;
    if (outcome === "R" || outcome === "D") source.states[counter] = State.RECORDED;
    if (outcome === "Q") source.states[counter] = State.QUEUED;
    if (this.#ordered.has(call)) source.calls[counter] = call;
  }

  /** Another outcome of an event that had one. */
  #confirm(source: SourceLedger, counter: number, outcome: Letter): void {
    if (source.states[counter] !== State.QUEUED || (outcome !== "R" && outcome !== "D")) return;
    source.states[counter] = State.RECORDED;
    // Where the queue was lost, it came in when it was sent again, behind what was recorded meanwhile.
    if (outcome === "R" && this.#allowLostQueued) source.calls[counter] = 0;
  }

  #miss({ source, first }: KnownBatch): void {
    this.#lost.add(() => `${this.#id(source, first)} was told to be recorded, and a read right after did not find it`);
  }

  #id({ process, source }: SourceLedger, counter: number): string {
    return this.#ledger.id({ process, source, counter });
  }
}

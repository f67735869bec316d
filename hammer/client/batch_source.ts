import { Random } from "../random.ts";
import { eventId } from "./event_id.ts";
import { KINDS, type MadeEvent, NOTIFICATION, twinOf } from "./made_event.ts";
import { type Method, RequestWriter, requestBytes } from "./wire.ts";

/** A batch as it goes out, however often. */
export interface Batch {
  /** Its number, the process's own. */
  readonly number: number;
  readonly kind: "new" | "repeat" | "twin";
  readonly request: Buffer;
  readonly first: number;
  readonly count: number;
  readonly required: boolean;
  /** The events alone, for sending them again on purpose; and one of them, for a twin. */
  readonly events: Buffer;
  readonly sample: MadeEvent;
  /**
   * Not to be sent over another stream than the one that it was made for: it repeats events that wait in the queue, and
   * another process that knows nothing of those before them could rightly record it first.
   */
  readonly anchored: boolean;
}

/** Where in time events lie; changed while the source is used. */
export interface Season {
  month: number;
  months: number;
}

interface SourceOptions {
  readonly seed: number;
  readonly process: number;
  readonly writer: number;
  readonly source: number;
  readonly method: Method;
  readonly season: Season;
  readonly requireRecordedShare: number;
  readonly mostEvents: number;
  /** Gives numbers of batches, each once. */
  readonly number: () => number;
  /** Correlations of others, which this one adds to now and then. */
  readonly others: readonly Correlations[];
}

const LARGE_BATCH = 1000;
/** Keeps a batch well under the limit on messages. */
const BATCH_BYTES = 1024 * 1024;

/** Makes the batches of one stream, or of the calls of one writer. */
export class BatchSource {
  readonly correlations: Correlations;
  readonly random: Random;
  readonly #options: SourceOptions;
  readonly #writer: RequestWriter;
  #counter = 0;

  constructor(options: SourceOptions) {
    const { seed, process, source } = options;
    this.#options = options;
    this.random = new Random(seed + 1_000_003 * process + 7_919 * (source + 1));
    this.correlations = new Correlations(this.random, `hammer-${seed}-${process}-${source}`);
    this.#writer = new RequestWriter(options.method);
  }

  /** How many events the next batch is to have. */
  nextCount(): number {
    const { mostEvents } = this.#options;
    if (this.random.chance(0.01)) return Math.min(LARGE_BATCH, 5 * mostEvents);
    return this.random.integer(1, this.random.chance(0.3) ? Math.min(10, mostEvents) : mostEvents);
  }

  /** A batch of `count` new events, or fewer where they are large. */
  make(count: number): Batch {
    const first = this.#counter;
    const wanders = this.random.chance(0.3);
    const sample = this.#event(wanders);
    this.#writer.add(sample);
    for (let left = count - 1; left > 0 && this.#writer.bytes < BATCH_BYTES; left--)
      this.#writer.add(this.#event(wanders));
    const required = this.random.chance(this.#options.requireRecordedShare);
    const made = { first, count: this.#counter - first, required, sample, anchored: false };
    return this.#batch("new", this.#writer.take(), made);
  }

  /** The events of a batch once more, as a batch of its own. */
  repeat(batch: Batch, anchored: boolean): Batch {
    return this.#batch("repeat", batch.events, { ...batch, anchored });
  }

  /** One event of a batch with other content. */
  twin(batch: Batch): Batch {
    this.#writer.add(twinOf(batch.sample));
    return this.#batch("twin", this.#writer.take(), { ...batch, count: 1, anchored: false });
  }

  #batch(
    kind: Batch["kind"],
    events: Buffer,
    { first, count, required, sample, anchored }: Omit<Batch, "number" | "kind" | "request" | "events">,
  ): Batch {
    const number = this.#options.number();
    const request = requestBytes(this.#options.method, events, number, required);
    return { number, kind, request, first, count, required, events, sample, anchored };
  }

  #event(wanders: boolean): MadeEvent {
    const { seed, process, writer, source, season, others } = this.#options;
    const counter = this.#counter++;
    const random = this.random;
    const correlations = others.length > 0 && random.chance(0.5) ? random.pick(others) : this.correlations;
    const elsewhere = wanders && random.chance(0.2) ? random.integer(-season.months, season.months) : 0;
    const origin = `"source": ${source}, "writer": ${writer}, "counter": ${counter}, "process": ${process}`;
    const facts = `{"ok": ${counter % 2 === 0}, "list": [${counter}, 2.5, null], "name": "Größe →"}`;
    return {
      id: eventId(seed, { process, source, counter }),
      kind: random.chance(0.1) ? NOTIFICATION : random.pick(KINDS),
      correlationId: correlations.next(),
      micros: timeIn(season.month + elsewhere) * 1000 + random.integer(0, 999),
      severity: random.chance(0.2) ? "critical" : "",
      durationMs: random.chance(0.3) ? random.integer(0, 1e6) : undefined,
      errorMessage: random.chance(0.05) ? textOf(random, random.integer(1, 200)) : "",
      members: `"body": ${JSON.stringify(textOf(random, bodySize(random)))}, "facts": ${facts}, ${origin}`,
    };
  }
}

/** The correlations of one source that are under way: several, most of them short, some long. */
export class Correlations {
  readonly #random: Random;
  readonly #prefix: string;
  readonly #open: { id: string; left: number }[] = [];
  #made = 0;

  constructor(random: Random, prefix: string) {
    this.#random = random;
    this.#prefix = prefix;
    for (let count = 0; count < 6; count++) this.#open.push(this.#begin());
  }

  /** The correlation of the next event. */
  next(): string {
    const place = this.#random.integer(0, this.#open.length - 1);
    const correlation = this.#open[place] as { id: string; left: number };
    if (--correlation.left <= 0) this.#open[place] = this.#begin();
    return correlation.id;
  }

  #begin() {
    const left = this.#random.chance(0.05) ? 2000 : this.#random.integer(40, 200);
    return { id: `${this.#prefix}-${this.#made++}`, left };
  }
}

/** Now, so many months on, in milliseconds. */
function timeIn(month: number): number {
  const now = Date.now();
  if (month === 0) return now;
  const date = new Date(now);
  // Every month has a 28th.
  date.setUTCDate(Math.min(date.getUTCDate(), 28));
  return date.setUTCMonth(date.getUTCMonth() + month);
}

/** Mostly small; some kilobytes at times, and tens of them now and then. */
function bodySize(random: Random): number {
  if (random.chance(0.002)) return random.integer(10_000, 60_000);
  if (random.chance(0.03)) return random.integer(1_000, 4_000);
  return random.integer(20, 300);
}

/** What must come through unchanged: separators of our own, quotes, other scripts. */
const ODD = ["\u001d", "\u001e", "\u001f", '"', "\\", "\n", "\t", "'", "é", "→", "漢", "\u2028", "{", "$1", "%s"];
const WORDS = ["pod", "restarted", "because", "memory", "pressure", "on", "node", "was", "over", "its", "limit"];

const prose = makeProse(new Random(1));

function makeProse(random: Random): string {
  let text = "";
  while (text.length < 128 * 1024) text += `${random.pick(random.chance(0.03) ? ODD : WORDS)} `;
  return text;
}

function textOf(random: Random, size: number): string {
  const begin = random.integer(0, prose.length - size);
  return prose.slice(begin, begin + size);
}

import { setTimeout as wait } from "node:timers/promises";
import { loadConfig } from "../../src/config/config.ts";
import type { BenchDatabase } from "../database.ts";
import { type ServiceProcess, startServiceWith } from "../processes.ts";
import { median } from "../statistics.ts";
import { memoryBound, residentBytes } from "./memory.ts";
import { countMissing, type Pushers, startPushers } from "./pushers.ts";
import { type BenchQueue, startQueue } from "./queue.ts";
import { type Moment, Timeline } from "./timeline.ts";

/** What streams that push without pause do to the service while PostgreSQL is stalled. Times in seconds, MB of 10⁶ bytes. */
export interface OverloadResult {
  readonly streams: number;
  readonly eventsABatch: number;
  readonly without_queue: OverloadCase;
  readonly with_queue: OverloadCase;
}

export interface OverloadCase {
  readonly rss_peak_mb: number;
  /** By docs/memory.md, for the settings of this run. */
  readonly rss_bound_mb: number;
  /** Events RECORDED a second before PostgreSQL was stalled. */
  readonly rate_before: number;
  /** From the stall to the first stream that was told something: refused, or QUEUED. */
  readonly seconds_to_told: number | undefined;
  readonly stalled_seconds: number;
  /** What streams were told during the stall: events QUEUED, batches refused. */
  readonly told: {
    readonly queued: number;
    readonly resource_exhausted: number;
    readonly unavailable: number;
    readonly otherwise: number;
    readonly without_retry_info: number;
    /** Streams that flow control kept from sending, at most at once. */
    readonly held_back: number;
  };
  /** What waited in the queue when PostgreSQL was freed. */
  readonly queue: { readonly entries: number; readonly mb: number } | undefined;
  /** From when PostgreSQL was freed; undefined: not within the time looked at. Stored is also what comes from the queue. */
  readonly seconds_to_first_stored: number | undefined;
  readonly seconds_to_half_stored_rate: number | undefined;
  readonly seconds_to_first_recorded: number | undefined;
  readonly seconds_to_half_rate: number | undefined;
  readonly seconds_to_nine_tenths_rate: number | undefined;
  /** From when the streams ended to an empty queue. */
  readonly seconds_to_drained: number | undefined;
  /** Events that were answered RECORDED, QUEUED or DUPLICATE, and those of them that are not stored at the end. */
  readonly acknowledged: number;
  readonly missing: number;
  /** Resident memory of the service, every half second. */
  readonly rss_mb: readonly { readonly at: number; readonly mb: number; readonly phase: Phase }[];
}

type Phase = "before" | "stalled" | "freed";

interface Size {
  readonly streams: number;
  readonly connections: number;
  readonly processes: number;
  readonly batch: number;
  readonly beforeSeconds: number;
  /** How long a stall goes on after the last thing it is to show has been seen. */
  readonly stallSeconds: number;
  readonly afterSeconds: number;
  readonly settings: NodeJS.ProcessEnv;
}

/** Few connections, so that the bound says something; a queue that is full within a minute; a stall that is soon noticed. */
const SIZE: Size = {
  streams: 200,
  connections: 8,
  processes: 2,
  batch: 100,
  beforeSeconds: 8,
  stallSeconds: 10,
  afterSeconds: 60,
  settings: { DATASTORAGE_QUEUE_BYTES: "256MiB", DATASTORAGE_APPEND_TIMEOUT: "5s" },
};
const QUICK: Size = {
  ...SIZE,
  streams: 20,
  connections: 2,
  beforeSeconds: 2,
  stallSeconds: 1,
  afterSeconds: 10,
  settings: { DATASTORAGE_QUEUE_BYTES: "8MiB", DATASTORAGE_APPEND_TIMEOUT: "1s" },
};
/** Seconds within which what a stall is to show must be seen. */
const LIMIT_SECONDS = 300;

/** Stalls PostgreSQL under streams that push without pause: once without a queue, once with one that becomes full. */
export async function measureOverload(
  database: BenchDatabase,
  quick: boolean,
  progress: (text: string) => void,
): Promise<OverloadResult> {
  if (process.platform !== "linux") throw new Error("overload is measured on Linux alone: it reads /proc");
  const size = quick ? QUICK : SIZE;
  const without_queue = await measureCase(database, undefined, size, 0, progress);
  const queue = await startQueue();
  try {
    const with_queue = await measureCase(database, queue, size, size.streams, progress);
    return { streams: size.streams, eventsABatch: size.batch, without_queue, with_queue };
  } finally {
    await queue.stop();
  }
}

async function measureCase(
  database: BenchDatabase,
  queue: BenchQueue | undefined,
  size: Size,
  firstStream: number,
  progress: (text: string) => void,
): Promise<OverloadCase> {
  progress(`overload ${queue === undefined ? "without" : "with"} a queue`);
  await database.settle();
  const env = environment(database, queue, size);
  const service = await startServiceWith(env);
  const pushers = startPushers({ ...size, address: service.address, firstStream });
  const timeline = new Timeline(pushers, service.pid);
  try {
    const run = new Run({ database, queue, size, service, pushers, timeline, progress });
    const bound = memoryBound(loadConfig(env), { queue: queue !== undefined });
    return { rss_bound_mb: megabytes(bound), ...(await Promise.race([run.result(), pushers.failed])) };
  } finally {
    timeline.stop();
    database.free();
    pushers.kill();
    await service.stop();
  }
}

/** As a service has it, with what this process's environment says, but for the stores. */
function environment(database: BenchDatabase, queue: BenchQueue | undefined, size: Size): NodeJS.ProcessEnv {
  return {
    DATASTORAGE_LOG_LEVEL: "fatal",
    DATASTORAGE_MAX_CONNECTIONS: String(size.connections),
    ...size.settings,
    ...process.env,
    DATABASE_URL: database.url,
    VALKEY_URL: queue?.url ?? "",
  };
}

interface RunParts {
  readonly database: BenchDatabase;
  readonly queue: BenchQueue | undefined;
  readonly size: Size;
  readonly service: ServiceProcess;
  readonly pushers: Pushers;
  readonly timeline: Timeline;
  readonly progress: (text: string) => void;
}

/** Before, stalled, freed, ended. */
class Run {
  readonly #parts: RunParts;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  async result(): Promise<Omit<OverloadCase, "rss_bound_mb">> {
    const { timeline, queue, database, service } = this.#parts;
    const rate = await this.#rateBefore();
    const stalled = timeline.now();
    database.stall();
    const told = await this.#untilShown(stalled);
    const waiting = await queue?.depth();
    const freed = timeline.now();
    database.free();
    const storing = this.#untilStoring(rate);
    const back = await this.#untilBack(freed, rate);
    const stored = await storing;
    const ended = await this.#end();
    return {
      rss_peak_mb: megabytes(residentBytes(service.pid).peak),
      rate_before: Math.round(rate),
      seconds_to_told: told && tenths(told.at - stalled.at),
      stalled_seconds: tenths(freed.at - stalled.at),
      told: this.#told(stalled, freed),
      queue: waiting && { entries: waiting.entries, mb: megabytes(waiting.bytes) },
      ...stored,
      ...back,
      ...ended,
      rss_mb: this.#memory(stalled, freed),
    };
  }

  /** The median of the second half: the first warms up. */
  async #rateBefore(): Promise<number> {
    const { timeline, size, progress } = this.#parts;
    const recorded = await timeline.first(timeline.now(), LIMIT_SECONDS, (moment) => moment.recorded > 0);
    if (recorded === undefined) throw new Error("nothing was recorded");
    await wait(size.beforeSeconds * 1000);
    const half = timeline.now().at - size.beforeSeconds / 2;
    const rate = median(timeline.moments.filter(({ at }) => at >= half).map((moment) => timeline.rateAt(moment)));
    progress(`${Math.round(rate)} events/s; stalling PostgreSQL`);
    return rate;
  }

  /** Gives when the first stream was told something; resolves when there is nothing more to come. */
  async #untilShown(stalled: Moment): Promise<Moment | undefined> {
    const { timeline, queue, size, progress } = this.#parts;
    const since = (moment: Moment, what: "queued" | "exhausted" | "unavailable") => moment[what] - stalled[what];
    const told = await timeline.first(
      stalled,
      LIMIT_SECONDS,
      (moment) => since(moment, "queued") + since(moment, "exhausted") + since(moment, "unavailable") > 0,
    );
    progress("told");
    if (queue !== undefined) {
      await timeline.first(stalled, LIMIT_SECONDS, (moment) => since(moment, "exhausted") > 0);
      progress("the queue is full");
    }
    await wait(size.stallSeconds * 1000);
    return told;
  }

  #told(stalled: Moment, freed: Moment): OverloadCase["told"] {
    const during = this.#parts.timeline.moments.filter(({ at }) => at >= stalled.at && at <= freed.at);
    return {
      queued: freed.queued - stalled.queued,
      resource_exhausted: freed.exhausted - stalled.exhausted,
      unavailable: freed.unavailable - stalled.unavailable,
      otherwise: freed.otherwise - stalled.otherwise,
      without_retry_info: freed.withoutRetryInfo - stalled.withoutRetryInfo,
      held_back: Math.max(0, ...during.map(({ heldBack }) => heldBack)),
    };
  }

  async #untilBack(freed: Moment, rate: number) {
    const { timeline, size, progress } = this.#parts;
    const seconds = async (holds: (moment: Moment) => boolean) => {
      const found = await timeline.first(freed, size.afterSeconds, holds);
      return found && tenths(found.at - freed.at);
    };
    const reaches = (part: number) => (moment: Moment) =>
      moment.at >= freed.at + 1 && timeline.rateAt(moment) >= part * rate;
    progress("PostgreSQL is freed");
    return {
      seconds_to_first_recorded: await seconds(({ recorded }) => recorded > freed.recorded),
      seconds_to_half_rate: await seconds(reaches(0.5)),
      seconds_to_nine_tenths_rate: await seconds(reaches(0.9)),
    };
  }

  /** Asks PostgreSQL how many events it has. Its processes tell it about once a second. */
  async #untilStoring(rate: number) {
    const { database, size } = this.#parts;
    const begun = performance.now();
    const looks: { at: number; stored: number }[] = [];
    let [first, half]: (number | undefined)[] = [];
    for (let at = 0; half === undefined && at < size.afterSeconds; await wait(STORED_LOOK_MS)) {
      const stored = await storedEvents(database);
      at = (performance.now() - begun) / 1000;
      looks.push({ at, stored });
      if (stored > (looks[0]?.stored ?? 0)) first ??= at;
      const before = looks.findLast((look) => look.at <= at - STORED_RATE_SECONDS);
      if (before !== undefined && (stored - before.stored) / (at - before.at) >= rate / 2) half = at;
    }
    return { seconds_to_first_stored: first && tenths(first), seconds_to_half_stored_rate: half && tenths(half) };
  }

  /** Ends the streams, waits for an empty queue, and looks for everything that was acknowledged. */
  async #end() {
    const { pushers, queue, database, size, progress } = this.#parts;
    progress("ending the streams");
    const batches = await pushers.end();
    const drained = await queue?.untilEmpty(LIMIT_SECONDS);
    return {
      seconds_to_drained: drained && tenths(drained),
      acknowledged: batches.length * size.batch,
      missing: await countMissing(database.sql, batches, size.batch),
    };
  }

  #memory(stalled: Moment, freed: Moment): OverloadCase["rss_mb"] {
    const phase = ({ at }: Moment): Phase => (at < stalled.at ? "before" : at < freed.at ? "stalled" : "freed");
    return this.#parts.timeline.moments
      .filter((_, index) => index % 5 === 0)
      .map((moment) => ({ at: tenths(moment.at), mb: megabytes(moment.rssBytes), phase: phase(moment) }));
  }
}

const STORED_LOOK_MS = 200;
const STORED_RATE_SECONDS = 2;

async function storedEvents({ sql }: BenchDatabase): Promise<number> {
  const [row] = await sql.unsafe<{ events: number }[]>(
    "SELECT sum(n_tup_ins)::float8 AS events FROM pg_stat_user_tables WHERE relname = 'audit_event_ids'",
  );
  return row?.events ?? 0;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function tenths(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

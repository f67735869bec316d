import type { BenchDatabase } from "./database.ts";
import type { Load } from "./load.ts";
import { measure, type Sample } from "./measure.ts";
import type { Section } from "./options.ts";
import { copy, copyTexts, insertOneByOne, prepareRows } from "./plain_postgres.ts";
import type { ClientProcess, ServiceProcess } from "./processes.ts";

/** What writing is measured on. */
export interface Bench {
  readonly database: BenchDatabase;
  readonly service: ServiceProcess;
  readonly client: ClientProcess;
}

/** One way to write events, measured in turn with the others. */
export interface Side {
  readonly section: Section;
  /** What stands in the report; two sides of one name are the same, measured twice in a round. */
  readonly name: string;
  readonly load?: Load;
  run(bench: Bench): Promise<Sample>;
}

const COPY_NAME = "COPY, one connection";
const ROWS_NAME = "INSERT one by one, one connection";
export const BASELINES = { copy: COPY_NAME, rows: ROWS_NAME } as const;

/** Events of one measurement, by the events of a message. */
const EVENTS: Readonly<Record<number, number>> = { 1: 16_000, 10: 30_000, 100: 40_000, 1000: 48_000 };
/** Events on their way at once, over all streams; never less than one message a stream. */
const EVENTS_IN_FLIGHT = 8000;
const MESSAGES_IN_FLIGHT = 64;
/** Seconds of one measurement at most. */
const SECONDS = 3;

/** The sides in the order in which a round takes them: what is compared stands together. */
export function sides(): Side[] {
  const of = (rpc: Load["rpc"], batch: number) => [1, 8, 64].map((streams) => rpcSide(rpc, batch, streams, false));
  return [
    copySide(false),
    ...of("IngestEvents", 1000),
    copySide(false),
    ...of("IngestEvents", 1),
    rowsSide(false),
    ...of("IngestEvents", 100),
    ...of("IngestEvents", 10),
    ...[1000, 100, 10, 1].flatMap((batch) => of("RecordEvents", batch)),
  ];
}

/** A few of them with small counts: to see that everything runs, and to warm up. */
export function quickSides(): Side[] {
  const few = (rpc: Load["rpc"]) => [rpcSide(rpc, 1000, 1, true), rpcSide(rpc, 1, 64, true)];
  return [copySide(true), ...few("IngestEvents"), rowsSide(true), ...few("RecordEvents")];
}

export function loadName({ rpc, batch, streams }: Pick<Load, "rpc" | "batch" | "streams">): string {
  return `${rpc} ${batch} × ${streams}`;
}

function rpcSide(rpc: Load["rpc"], batch: number, streams: number, quick: boolean): Side {
  const inFlight = Math.min(MESSAGES_IN_FLIGHT, Math.max(1, Math.floor(EVENTS_IN_FLIGHT / (batch * streams))));
  const events = quick ? Math.max(batch * streams, 500) : (EVENTS[batch] ?? 0);
  const load = { rpc, batch, streams, inFlight: rpc === "RecordEvents" ? 1 : inFlight, events, seconds: SECONDS };
  return {
    section: rpc === "IngestEvents" ? "ingest" : "record",
    name: loadName(load),
    load,
    async run({ client, database, service }) {
      await client.prepare(load, service.address);
      await database.settle();
      return measure({ service: service.pid, postgres: database.pid, client: client.pid }, () => client.go());
    },
  };
}

function copySide(quick: boolean): Side {
  return {
    section: "copy",
    name: COPY_NAME,
    async run({ database, service }) {
      const events = quick ? 2000 : (EVENTS[1000] ?? 0);
      const texts = copyTexts(await prepareRows(events));
      await database.settle();
      return measure({ service: service.pid, postgres: database.pid, client: process.pid }, async () => {
        const begun = performance.now();
        await copy(database.sql, texts);
        return { events, seconds: (performance.now() - begun) / 1000 };
      });
    },
  };
}

function rowsSide(quick: boolean): Side {
  return {
    section: "rows",
    name: ROWS_NAME,
    async run({ database, service }) {
      const events = await prepareRows(quick ? 300 : 8000);
      await database.settle();
      return measure({ service: service.pid, postgres: database.pid, client: process.pid }, async () => {
        const begun = performance.now();
        const inserted = await insertOneByOne(database.sql, events, SECONDS * 1000);
        return { events: inserted, seconds: (performance.now() - begun) / 1000 };
      });
    },
  };
}

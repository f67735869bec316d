import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { PayloadForm } from "../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  type EventFilter,
  EventFilterSchema,
  ListEventsRequestSchema,
  type ListEventsResponse,
  ListEventsResponseSchema,
} from "../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Sql } from "../src/postgres/pool.ts";
import type { BenchDatabase } from "./database.ts";
import { commonestSmallType, EventSource } from "./events.ts";
import { envelope, GrpcConnection } from "./grpc.ts";
import { COPY_ROWS, copy, copyTexts, type Heads, prepareRows } from "./plain_postgres.ts";
import { startService } from "./processes.ts";
import { median } from "./statistics.ts";

/** Latencies of ListEvents in milliseconds, medians. */
export interface PagesResult {
  readonly rows: number;
  readonly pageSize: number;
  readonly deepPage: number;
  readonly orders: readonly {
    readonly name: string;
    readonly firstMs: number;
    readonly deepMs: number;
    /** Deep page over first page. */
    readonly ratio: number;
  }[];
}

const PAGE_SIZE = 50;
/** Pages of each kind, taken in turn. */
const TRIES = 50;
/** One correlation with more events than the deep page begins at; every sixteenth row. */
const LONG_CORRELATION = "rr-with-very-many-events";
const LONG_EVERY = 16;

type Progress = (text: string) => void;

/** Fills a database, then reads the first and a deep page in turn: by time, of a correlation, of an event type. */
export async function measurePages(database: BenchDatabase, quick: boolean, progress: Progress): Promise<PagesResult> {
  const [rows, deepPage] = quick ? [12_000, 10] : [1_000_000, 1000];
  const { url, sql, close } = await database.another("pages");
  const service = await startService(url, undefined);
  try {
    await fill(sql, rows, progress);
    const connection = await GrpcConnection.open(service.address);
    const orders = [];
    for (const [name, filter] of filters()) {
      progress(`ListEvents, ${name}: pages 1 to ${deepPage}`);
      const [first, deep] = await timePages(connection, filter, deepPage, quick ? 10 : TRIES);
      orders.push({ name, firstMs: first, deepMs: deep, ratio: deep / first });
    }
    connection.close();
    return { rows, pageSize: PAGE_SIZE, deepPage, orders };
  } finally {
    await service.stop();
    await close();
  }
}

function filters(): [string, EventFilter | undefined][] {
  return [
    ["newest first", undefined],
    ["of a correlation", create(EventFilterSchema, { correlationId: LONG_CORRELATION })],
    ["of an event type", create(EventFilterSchema, { eventTypes: [commonestSmallType()] })],
  ];
}

/** Fills the table by COPY; the next thousand rows are prepared while one is being copied. */
async function fill(sql: Sql, rows: number, progress: Progress): Promise<void> {
  const heads: Heads = new Map();
  const many = new EventSource();
  const long = new EventSource();
  const ofLong = Math.ceil(COPY_ROWS / LONG_EVERY);
  let copied: Promise<void> = Promise.resolve();
  for (let done = 0; done < rows; done += COPY_ROWS) {
    if (done % 100_000 === 0) progress(`ListEvents: ${done} of ${rows} rows are there`);
    const events = await prepareRows(COPY_ROWS - ofLong, many);
    events.push(...(await prepareRows(ofLong, long, LONG_CORRELATION)));
    const texts = copyTexts(events, heads);
    await copied;
    copied = copy(sql, texts);
  }
  await copied;
  await sql.unsafe("VACUUM (ANALYZE) audit_events");
  const [counted] = await sql.unsafe<{ rows: number }[]>("SELECT count(*)::int AS rows FROM audit_events");
  if (counted?.rows !== rows) throw new Error(`${counted?.rows} of ${rows} rows were copied`);
}

/** Median times of the first and the deep page. */
async function timePages(
  connection: GrpcConnection,
  filter: EventFilter | undefined,
  deepPage: number,
  tries: number,
): Promise<[number, number]> {
  let token = "";
  for (let page = 1; page < deepPage; page++) {
    token = (await readPage(connection, filter, token)).nextPageToken;
    if (token === "") throw new Error(`there is no page ${page + 1}`);
  }
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < tries; round++) {
    for (const [index, pageToken] of ["", token].entries()) {
      const begun = performance.now();
      const { events } = await readPage(connection, filter, pageToken);
      times[index]?.push(performance.now() - begun);
      if (events.length !== PAGE_SIZE) throw new Error(`a page has ${events.length} events`);
    }
  }
  return [median(times[0]), median(times[1])];
}

async function readPage(
  connection: GrpcConnection,
  filter: EventFilter | undefined,
  pageToken: string,
): Promise<ListEventsResponse> {
  const payloadForm = PayloadForm.JSON;
  const request = create(ListEventsRequestSchema, { pageSize: PAGE_SIZE, pageToken, payloadForm });
  if (filter !== undefined) request.filter = filter;
  const answer = await connection.unary("ListEvents", envelope(toBinary(ListEventsRequestSchema, request)));
  return fromBinary(ListEventsResponseSchema, answer);
}

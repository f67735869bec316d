import { setTimeout as wait } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  IngestEventsRequestSchema,
  IngestEventsResponseSchema,
  RecordEventsRequestSchema,
  RecordEventsResponseSchema,
  RecordOutcome,
} from "../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { EventSource } from "./events.ts";
import { CallFailed, envelope, GrpcConnection } from "./grpc.ts";
import { percentile } from "./statistics.ts";

/** What a client sends, and how. */
export interface Load {
  readonly rpc: "IngestEvents" | "RecordEvents";
  /** Events of one message. */
  readonly batch: number;
  /** Streams, or callers that call one after the other, at once. */
  readonly streams: number;
  /** Messages of one stream that are sent and not yet acknowledged, at most. Calls: 1. */
  readonly inFlight: number;
  /** Events in all, and the seconds after which no more of them is sent. */
  readonly events: number;
  readonly seconds: number;
  /** Events a second over all streams of IngestEvents, at most; absent: as many as are acknowledged. */
  readonly eventsPerSecond?: number;
}

/** What came of it. Times in milliseconds, from a message's sending to its acknowledgement after commit. */
export interface LoadResult {
  readonly events: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Calls that the service was too full to take, and that were made again. */
  readonly refused: number;
}

const STREAMS_A_CONNECTION = 8;
/** Milliseconds between two looks whether a stream that is slowed may send again. */
const PACE_MS = 5;

/** What a client does when the service is full and says to come again: the time that it says, and a little of its own. */
const RETRY_MS = 250;
const RESOURCE_EXHAUSTED = 8;

/** What the streams of a load note together. */
interface Tally {
  readonly times: number[];
  refused: number;
}

/** A load whose events are made, encoded and framed, so that sending it is all that is left to do. */
export class PreparedLoad {
  readonly #load: Load;
  readonly #connections: GrpcConnection[];
  /** Messages of each stream. */
  readonly #messages: Buffer[][];

  private constructor(load: Load, connections: GrpcConnection[], messages: Buffer[][]) {
    this.#load = load;
    this.#connections = connections;
    this.#messages = messages;
  }

  static async prepare(load: Load, address: string): Promise<PreparedLoad> {
    const count = Math.ceil(load.streams / STREAMS_A_CONNECTION);
    const connections = await Promise.all(Array.from({ length: count }, () => GrpcConnection.open(address)));
    return new PreparedLoad(load, connections, encode(load));
  }

  /** Sends it. Rejects when any event is not RECORDED. */
  async run(): Promise<LoadResult> {
    const tally: Tally = { times: [], refused: 0 };
    const begun = performance.now();
    const until = begun + this.#load.seconds * 1000;
    const send = this.#load.rpc === "IngestEvents" ? ingest : record;
    const sent = await Promise.all(
      this.#messages.map((messages, index) => {
        const connection = this.#connections[index % this.#connections.length] as GrpcConnection;
        return send(connection, messages, this.#load, until, tally);
      }),
    );
    const seconds = (performance.now() - begun) / 1000;
    for (const connection of this.#connections) connection.close();
    const messages = sent.reduce((sum, each) => sum + each, 0);
    return {
      events: messages * this.#load.batch,
      seconds,
      p50Ms: percentile(tally.times, 0.5),
      p99Ms: percentile(tally.times, 0.99),
      refused: tally.refused,
    };
  }
}

/** Messages stream by stream; made in turn, as they will be sent, so that ids and times ascend over all streams. */
function encode({ rpc, batch, streams, events }: Load): Buffer[][] {
  const sources = Array.from({ length: streams }, () => new EventSource());
  const messages: Buffer[][] = sources.map(() => []);
  const rounds = Math.max(1, Math.round(events / (batch * streams)));
  for (let round = 1; round <= rounds; round++) {
    for (const [index, source] of sources.entries()) {
      const taken = source.take(batch);
      const message =
        rpc === "IngestEvents"
          ? toBinary(
              IngestEventsRequestSchema,
              create(IngestEventsRequestSchema, { batchNumber: BigInt(round), events: taken }),
            )
          : toBinary(RecordEventsRequestSchema, create(RecordEventsRequestSchema, { events: taken }));
      messages[index]?.push(envelope(message));
    }
  }
  return messages;
}

/** Streams messages with a bounded number unacknowledged; gives how many were sent. */
async function ingest(
  connection: GrpcConnection,
  messages: readonly Buffer[],
  { batch, inFlight, streams, eventsPerSecond }: Load,
  until: number,
  tally: Tally,
): Promise<number> {
  const begun = performance.now();
  const sentAt: number[] = [];
  let acknowledged = 0;
  let fault: Error | undefined;
  const sendUpTo = (count: number) => {
    const now = performance.now();
    const over = now >= until || fault !== undefined || sentAt.length === messages.length;
    const due =
      eventsPerSecond === undefined
        ? count
        : 1 + Math.floor(((now - begun) * eventsPerSecond) / (1000 * batch * streams));
    const next = messages.slice(sentAt.length, over ? sentAt.length : Math.min(count, due));
    for (const _ of next) sentAt.push(now);
    if (next.length > 0) call.write(next.length === 1 ? (next[0] as Buffer) : Buffer.concat(next));
    if (acknowledged === sentAt.length && (over || eventsPerSecond === undefined)) call.end();
  };
  const call = connection.call("IngestEvents", (answers) => {
    const now = performance.now();
    for (const answer of answers) {
      const { recorded, status } = fromBinary(IngestEventsResponseSchema, answer);
      if (recorded !== batch) fault ??= new Error(`${recorded} of ${batch} events were recorded: ${status?.message}`);
      tally.times.push(now - (sentAt[acknowledged++] as number));
    }
    sendUpTo(acknowledged + inFlight);
  });
  sendUpTo(inFlight);
  const pace = eventsPerSecond && setInterval(() => sendUpTo(acknowledged + inFlight), PACE_MS);
  await call.ended.finally(() => clearInterval(pace));
  if (fault !== undefined) throw fault;
  return acknowledged;
}

/** Calls with one message after the other; gives how many were sent. */
async function record(
  connection: GrpcConnection,
  messages: readonly Buffer[],
  { batch }: Load,
  until: number,
  tally: Tally,
): Promise<number> {
  let calls = 0;
  for (const message of messages) {
    const begun = performance.now();
    if (begun >= until) break;
    const answer = await callUntilTaken(connection, message, tally);
    tally.times.push(performance.now() - begun);
    const { results } = fromBinary(RecordEventsResponseSchema, answer);
    const recorded = results.filter(({ outcome }) => outcome === RecordOutcome.RECORDED).length;
    if (recorded !== batch) throw new Error(`${recorded} of ${batch} events were recorded`);
    calls++;
  }
  return calls;
}

async function callUntilTaken(connection: GrpcConnection, message: Buffer, tally: Tally): Promise<Buffer> {
  for (;;) {
    try {
      return await connection.unary("RecordEvents", message);
    } catch (error) {
      if (!(error instanceof CallFailed) || error.code !== RESOURCE_EXHAUSTED) throw error;
      tally.refused++;
      await wait(RETRY_MS * (1 + Math.random()));
    }
  }
}

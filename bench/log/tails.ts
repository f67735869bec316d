import { setTimeout as wait } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { TailEventsRequestSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { EventSource } from "../events.ts";
import { envelope, GrpcConnection } from "../grpc.ts";
import { median, percentile } from "../statistics.ts";
import { recordAll } from "./fill.ts";

/** TailEvents. */
export interface TailTimes {
  /** Milliseconds from the answer RECORDED until the event is here, of events that come one at a time. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Of what was there before: events a second, the median of the rounds. */
  readonly history_events_per_second: number;
  readonly history_events: number;
}

/** Milliseconds between two lone events; each is drawn up to twice as long, so that no rhythm of the service is met. */
const PAUSE_MS = 25;

export async function measureTail(address: string, events: number, rounds: number): Promise<TailTimes> {
  const connection = await GrpcConnection.open(address);
  const times = await latencies(connection, events);
  const histories: { readonly events: number; readonly seconds: number }[] = [];
  for (let round = 0; round < rounds; round++) histories.push(await history(connection));
  connection.close();
  return {
    p50_ms: percentile(times, 0.5),
    p99_ms: percentile(times, 0.99),
    history_events_per_second: median(histories.map(({ events: count, seconds }) => count / seconds)),
    history_events: histories[0]?.events ?? 0,
  };
}

/** An event may be here before the answer is: then it took nothing. */
async function latencies(connection: GrpcConnection, events: number): Promise<number[]> {
  const source = new EventSource();
  const times: number[] = [];
  const stop = new AbortController();
  let arrivals = Promise.withResolvers<number>();
  const began = Promise.withResolvers<void>();
  const tail = connection.call("TailEvents", (messages) => {
    began.resolve();
    if (messages.some((message) => eventsIn(message) > 0)) arrivals.resolve(performance.now());
  });
  tail.write(tailRequest({ fromNow: true }));
  tail.end();
  tail.ended.catch((error: unknown) => {
    if (!stop.signal.aborted) arrivals.reject(error);
  });
  await began.promise;
  for (let one = 0; one < events; one++) {
    await wait(2 * PAUSE_MS * Math.random());
    arrivals = Promise.withResolvers<number>();
    await recordAll(connection, source.take(1));
    const recorded = performance.now();
    times.push(Math.max(0, (await arrivals.promise) - recorded));
  }
  stop.abort();
  tail.cancel();
  return times;
}

async function history(connection: GrpcConnection): Promise<{ events: number; seconds: number }> {
  let events = 0;
  const begun = performance.now();
  const call = connection.call("TailEvents", (messages) => {
    for (const message of messages) events += eventsIn(message);
  });
  call.write(tailRequest({ untilNow: true }));
  call.end();
  await call.ended;
  return { events, seconds: (performance.now() - begun) / 1000 };
}

function tailRequest(from: { readonly fromNow?: true; readonly untilNow?: true }): Buffer {
  const request = create(TailEventsRequestSchema, { ...from, payloadForm: PayloadForm.JSON });
  return envelope(toBinary(TailEventsRequestSchema, request));
}

/** Number of TailEventsResponse.events, without decoding them. */
const EVENTS_FIELD = 1;

/** Events of a message: what they are costs the client more than the service, and is left undone. */
function eventsIn(message: Uint8Array): number {
  const reader = new BinaryReader(message);
  let events = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === EVENTS_FIELD) events++;
    reader.skip(type, field);
  }
  return events;
}

import type { Load, LoadResult } from "./load.ts";
import { ClientProcess } from "./processes.ts";
import type { Bench } from "./sides.ts";
import { median } from "./statistics.ts";

/** Latency of single events by RecordEvents, one after the other, in milliseconds. */
export interface LoneResult {
  readonly alone: { readonly p50Ms: number; readonly p99Ms: number };
  /** Beside one stream that sends as much as it may. */
  readonly besideFlood: { readonly p50Ms: number; readonly p99Ms: number };
  readonly floodEventsPerSecond: number;
  /** p99 beside the flood over p99 alone. */
  readonly ratio: number;
}

/** Measures a lone caller with and without a flooding stream, in turn. */
export async function measureLone(bench: Bench, rounds: number, quick: boolean): Promise<LoneResult> {
  const flooder = new ClientProcess();
  const alone: LoadResult[] = [];
  const beside: LoadResult[] = [];
  const floods: LoadResult[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      alone.push(await callAlone(bench, quick));
      const { lone, flood } = await callBesideFlood(bench, flooder, quick);
      beside.push(lone);
      floods.push(flood);
    }
  } finally {
    flooder.stop();
  }
  const of = (results: readonly LoadResult[]) => ({
    p50Ms: median(results.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(results.map(({ p99Ms }) => p99Ms)),
  });
  return {
    alone: of(alone),
    besideFlood: of(beside),
    floodEventsPerSecond: median(floods.map(({ events, seconds }) => events / seconds)),
    ratio: of(beside).p99Ms / of(alone).p99Ms,
  };
}

function loneLoad(quick: boolean): Load {
  return {
    rpc: "RecordEvents",
    batch: 1,
    streams: 1,
    inFlight: 1,
    events: quick ? 100 : 2000,
    seconds: quick ? 0.5 : 3,
  };
}

/** Enough events to last longer than the lone caller calls. */
function floodLoad(quick: boolean): Load {
  const [events, seconds] = quick ? [10_000, 0.5] : [160_000, 3.5];
  return { rpc: "IngestEvents", batch: 1000, streams: 1, inFlight: 8, events, seconds };
}

async function callAlone({ client, service, database }: Bench, quick: boolean): Promise<LoadResult> {
  await client.prepare(loneLoad(quick), service.address);
  await database.settle();
  return client.go();
}

async function callBesideFlood({ client, service, database }: Bench, flooder: ClientProcess, quick: boolean) {
  await client.prepare(loneLoad(quick), service.address);
  await flooder.prepare(floodLoad(quick), service.address);
  await database.settle();
  const [flood, lone] = await Promise.all([flooder.go(), client.go()]);
  return { lone, flood };
}

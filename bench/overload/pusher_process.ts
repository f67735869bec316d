// A client of its own process: opens streams and pushes until it is told to end, telling how far it is all the while.
import { GrpcConnection } from "../grpc.ts";
import { type BatchName, BatchTemplate } from "./batch_template.ts";
import { NOTHING_YET, type PushCounts, PushStream } from "./push_stream.ts";

export interface Push {
  readonly address: string;
  readonly connections: number;
  readonly streams: number;
  /** Number of the first of these streams over all processes. */
  readonly firstStream: number;
  /** Events of a batch. */
  readonly batch: number;
  /** Events that all streams together send in a second; absent: as many as they can. */
  readonly eventsPerSecond?: number;
}

export type ToPusher = { readonly push: Push } | "end";
export type FromPusher =
  | { readonly counts: PushCounts; readonly heldBack: number }
  | { readonly acknowledged: readonly BatchName[] }
  | { readonly failed: string };

const TELL_MS = 50;

const counts = { ...NOTHING_YET };
const streams: PushStream[] = [];

process.on("message", (message: ToPusher) => {
  if (message === "end") for (const stream of streams) stream.end();
  else
    push(message.push).catch((error: unknown) =>
      tell({ failed: error instanceof Error ? (error.stack ?? "") : String(error) }),
    );
});
process.on("disconnect", () => process.exit());

async function push({ address, connections: count, batch, ...options }: Push): Promise<void> {
  const connections = await Promise.all(Array.from({ length: count }, () => GrpcConnection.open(address)));
  const template = new BatchTemplate(batch);
  const turn = options.eventsPerSecond === undefined ? {} : { turn: pacer(batch / options.eventsPerSecond) };
  for (let index = 0; index < options.streams; index++) {
    const connection = connections[index % count] as GrpcConnection;
    streams.push(new PushStream({ connection, template, batch, counts, stream: options.firstStream + index, ...turn }));
  }
  const telling = setInterval(tellCounts, TELL_MS);
  await Promise.all(streams.map((stream) => stream.run()));
  clearInterval(telling);
  tellCounts();
  for (const connection of connections) connection.close();
  tell({ acknowledged: streams.flatMap((stream) => stream.acknowledged) });
}

/** Gives turns, so many seconds apart; those that are missed are caught up with. */
function pacer(seconds: number): () => Promise<void> {
  let due = performance.now();
  return () => {
    due += seconds * 1000;
    return new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  };
}

function tellCounts(): void {
  tell({ counts, heldBack: streams.filter((stream) => stream.heldBack).length });
}

function tell(message: FromPusher): void {
  process.send?.(message);
}

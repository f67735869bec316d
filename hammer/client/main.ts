// A client process of the hammer: `node hammer/client/main.ts '<ClientOptions as JSON>'`. Sends until it is told to end on its
// standard input (ClientControl), tells how far it is every second (ClientProgress), and keeps a history of what it did.
import { createInterface } from "node:readline";
import { BatchSource, type Season } from "./batch_source.ts";
import { Connection } from "./connection.ts";
import { History } from "./history.ts";
import { IngestStream } from "./ingest_stream.ts";
import type { ClientControl, ClientOptions } from "./options.ts";
import { Pacer } from "./pacer.ts";
import { recordEvents } from "./recorder.ts";
import { Tally } from "./tally.ts";
import { INGEST_EVENTS, RECORD_EVENTS } from "./wire.ts";

const PROGRESS_MS = 1000;
const MOST_STREAMED = 200;
const MOST_CALLED = 50;

const options = JSON.parse(process.argv[2] as string) as ClientOptions;
const history = new History(options.historyFile);
history.append({ t: "process", seed: options.seed, process: options.process });
const tally = new Tally(history);
const pacer = new Pacer(options.eventsPerSecond);
const season: Season = { month: 0, months: options.months };
let batches = 0;

listen();
const telling = setInterval(tell, PROGRESS_MS);
const connections = Array.from(
  { length: options.writers },
  (_, writer) => new Connection(options.addresses, options.process + writer),
);
await Promise.all(connections.flatMap(startWriter));
for (const connection of connections) connection.close();
history.append({ t: "end" });
await history.close();
clearInterval(telling);
tell();
process.stdin.destroy();

/** Starts the streams and the calls of a writer; each resolves when everything that it sent is acknowledged. */
function startWriter(connection: Connection, writer: number): Promise<void>[] {
  const { seed, streams, requireRecordedShare, answerTimeoutMs, resendShare, twinShare } = options;
  const shared = { seed, process: options.process, writer, season, requireRecordedShare, number: () => ++batches };
  const parts = { connection, pacer, tally, answerTimeoutMs };
  const first = writer * (streams + 1);
  const sources = Array.from(
    { length: streams },
    (_, index) =>
      new BatchSource({
        ...shared,
        source: first + index,
        method: INGEST_EVENTS,
        mostEvents: MOST_STREAMED,
        others: [],
      }),
  );
  const called = new BatchSource({
    ...shared,
    source: first + streams,
    method: RECORD_EVENTS,
    mostEvents: MOST_CALLED,
    others: sources.map(({ correlations }) => correlations),
  });
  return [
    ...sources.map((source, index) =>
      new IngestStream({ ...parts, number: first + index, source, resendShare, twinShare }).run(),
    ),
    recordEvents({ ...parts, number: first + streams, source: called }),
  ];
}

function listen(): void {
  const input = createInterface(process.stdin);
  input.on("line", (line) => obey(JSON.parse(line) as ClientControl));
  // Whoever started this is gone, and nobody is left to end it.
  input.on("close", () => {
    if (!pacer.ended) process.exit(1);
  });
}

function obey({ pause, month, months, end }: ClientControl): void {
  if (pause === true) pacer.pause();
  if (pause === false) pacer.resume();
  if (month !== undefined) season.month = month;
  if (months !== undefined) season.months = months;
  if (end) pacer.end();
}

function tell(): void {
  console.log(JSON.stringify(tally.progress));
}

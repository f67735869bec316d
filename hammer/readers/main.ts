// The process of the hammer that reads: `node hammer/readers/main.ts '<ReadersOptions as JSON>'`. Follows the log by TailEvents and
// collects every checkpoint that is published, until its standard input ends.
import { CheckpointCollector } from "./checkpoint_collector.ts";
import { LineFile } from "./line_file.ts";
import type { CheckpointLine, ReadersOptions, ReadersProgress, TailLine } from "./options.ts";
import { Tail } from "./tail.ts";

const PROGRESS_MS = 500;

const { addresses, tailFile, checkpointsFile, breakEveryMs } = JSON.parse(process.argv[2] as string) as ReadersOptions;
const tailLines = new LineFile<TailLine>(tailFile);
const checkpointLines = new LineFile<CheckpointLine>(checkpointsFile);
const tail = new Tail(addresses, tailLines, breakEveryMs);
const collector = new CheckpointCollector(addresses, checkpointLines);
const telling = setInterval(tell, PROGRESS_MS);
process.stdin.resume();
process.stdin.once("end", () => void end());

async function end(): Promise<void> {
  await Promise.all([tail.end(), collector.end()]);
  await Promise.all([tailLines.close(), checkpointLines.close()]);
  clearInterval(telling);
  tell();
}

function tell(): void {
  const progress: ReadersProgress = { upTo: tail.upTo, streams: tail.streams, checkpoints: collector.collected };
  console.log(JSON.stringify(progress));
}

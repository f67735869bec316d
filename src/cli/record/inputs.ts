import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { UsageError } from "../exit_code.ts";
import { StartFailure } from "../failure.ts";
import type { SourcedEvent } from "./batches.ts";
import { readEventLine } from "./event_line.ts";
import { type Line, readLines } from "./lines.ts";
import type { Tally } from "./tally.ts";

/** A file of events, or standard input. */
export interface Input {
  /** As it was named; `-` is standard input. */
  readonly name: string;
  /** Undefined where nobody knows: pipes. */
  readonly bytes: number | undefined;
}

/** Looks at the files that were named. @throws UsageError for what is not there, is a folder or is named twice. */
export async function lookAtInputs(names: readonly string[]): Promise<Input[]> {
  if (names.length === 0) throw new UsageError("FILE is missing; `-` reads standard input");
  if (names.filter((name) => name === "-").length > 1) throw new UsageError("`-` can be given once");
  return Promise.all(names.map(lookAt));
}

async function lookAt(name: string): Promise<Input> {
  if (name === "-") return { name, bytes: undefined };
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(name);
  } catch (cause) {
    throw new UsageError(`${name} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
  if (found.isDirectory()) throw new UsageError(`${name} is a folder; name its files`);
  return { name, bytes: found.isFile() ? found.size : undefined };
}

export interface ReadEventsOptions {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly defaultOutcome: EventOutcome | undefined;
  readonly ignoreUnknown: boolean;
  /** Bytes of one event that the service takes at most. */
  readonly maxEventBytes: number;
  readonly tally: Tally;
  /** Told how many bytes were read. */
  readonly onBytes: (bytes: number) => void;
}

/** JSON may be this much longer than what it stands for: each byte as a \u escape. */
const LINE_BYTES_PER_EVENT_BYTE = 6;

/**
 * The events of all inputs, one input after the other, in arrays of what was read at once. Lines that are no event, and
 * events that cannot be sent, are added to the tally.
 *
 * @throws StartFailure when a file cannot be read to its end.
 */
export async function* readEvents(
  inputs: readonly Input[],
  options: ReadEventsOptions,
): AsyncGenerator<SourcedEvent[]> {
  const limit = options.maxEventBytes * LINE_BYTES_PER_EVENT_BYTE;
  for (const { name } of inputs) {
    const chunks = counted(name === "-" ? options.stdin : fileChunks(name), options.onBytes);
    for await (const lines of readLines(name, chunks, limit)) {
      const events = lines.map((line) => readLine(line, options)).filter((event) => event !== undefined);
      if (events.length > 0) yield events;
    }
  }
}

async function* fileChunks(name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(name, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw new StartFailure(`${name} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}

function readLine({ file, number: line, bytes }: Line, options: ReadEventsOptions): SourcedEvent | undefined {
  const { tally, maxEventBytes } = options;
  tally.lines += 1;
  const problem = (kind: "unreadable" | "rejected", description: string, field = "") =>
    tally.addLocal({ file, line, kind, violations: [{ field, description }] });
  if (bytes === undefined) {
    problem("unreadable", `is longer than ${maxEventBytes * LINE_BYTES_PER_EVENT_BYTE} bytes`);
    return undefined;
  }
  const content = readEventLine(bytes, options);
  if (content.kind === "unreadable") problem("unreadable", content.reason);
  if (content.kind === "refused") tally.addLocal({ file, line, ...content, kind: "rejected" });
  if (content.kind !== "event") return undefined;
  if (content.bytes > maxEventBytes) {
    problem("rejected", `is larger than one message of the service may be (${maxEventBytes} bytes)`);
    return undefined;
  }
  tally.events += 1;
  return { file, line, event: content.event, bytes: content.bytes };
}

import { createHash } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import type {
  EventFilter,
  ExportEventsResponse,
  ExportFormat,
  ExportHeader,
  ExportSummary,
} from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Connection } from "../connection.ts";
import { StartFailure } from "../failure.ts";
import type { Progress } from "./progress.ts";
import type { Sink } from "./sink.ts";

/** What came before and after the bytes. */
export interface Received {
  readonly header: ExportHeader;
  readonly summary: ExportSummary;
}

export interface ReceiveOptions {
  readonly sink: Sink;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Has events exported into the sink, which is finished when the file is whole: the summary has come, and its SHA-256 is that
 * of what was received. Otherwise the sink is discarded.
 *
 * @throws StartFailure for a file that is not whole; ConnectError as the call does, and DEADLINE_EXCEEDED when the service says
 * nothing for the time that one answer may take.
 */
export async function receive(
  { client, target }: Connection,
  request: { readonly filter: EventFilter; readonly format: ExportFormat },
  { sink, progress, signal }: ReceiveOptions,
): Promise<Received> {
  const ended = new AbortController();
  const answers = client.exportEvents(request, { signal: AbortSignal.any([signal, ended.signal]) });
  let whole = false;
  try {
    const received = await takeAll(heard(answers, target.timeoutMs), sink, progress);
    await sink.finish();
    whole = true;
    return received;
  } finally {
    ended.abort();
    if (!whole) await sink.discard();
  }
}

async function takeAll(
  answers: AsyncIterable<ExportEventsResponse>,
  sink: Sink,
  progress: Progress,
): Promise<Received> {
  const digest = createHash("sha256");
  let bytes = 0;
  let header: ExportHeader | undefined;
  let summary: ExportSummary | undefined;
  for await (const { part } of answers) {
    if (part.case === "header") {
      header = part.value;
      await sink.begin(header.fileName);
    } else if (part.case === "chunk") {
      digest.update(part.value);
      bytes += part.value.length;
      await sink.write(part.value);
      progress.received(bytes);
    } else if (part.case === "progress") progress.show(part.value);
    else if (part.case === "summary") summary = part.value;
  }
  if (header === undefined || summary === undefined) throw new StartFailure("the export was cut off before its end");
  if (summary.sha256 !== digest.digest("hex") || Number(summary.bytes) !== bytes) {
    throw new StartFailure("the export was changed on its way: its SHA-256 is not the one that the service tells");
  }
  return { header, summary };
}

/** The answers, as long as each comes in time; the time that the consumer takes does not count. */
async function* heard<T>(answers: AsyncIterable<T>, timeoutMs: number): AsyncGenerator<T> {
  const source = answers[Symbol.asyncIterator]();
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      const late = () => reject(new ConnectError("the service said nothing in time", Code.DeadlineExceeded));
      timer = setTimeout(late, timeoutMs);
    });
    const next = source.next();
    next.catch(() => {});
    try {
      const { done, value } = await Promise.race([next, silence]);
      if (done) return;
      yield value;
    } finally {
      clearTimeout(timer);
    }
  }
}

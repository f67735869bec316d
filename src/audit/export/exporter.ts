import { createHash } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ExportEventsRequest,
  type ExportEventsResponse,
  ExportEventsResponseSchema,
  ExportFormat,
  ListEventsRequestSchema,
} from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { nowMs } from "../../clock.ts";
import type { LogReader } from "../../integrity/log/log_reader.ts";
import type { TileReader } from "../../integrity/merkle/tile.ts";
import type { Database } from "../../postgres/database.ts";
import type { Logger } from "../../telemetry/logs.ts";
import type { Writer } from "../append/writer.ts";
import { type OwnEvent, prepareOwnEvents } from "../own_event.ts";
import { toEventQuery } from "../read/filter_message.ts";
import { type PlacedRow, type WalkStep, walkLog } from "../read/log_walk.ts";
import type { EventQuery } from "../read/query.ts";
import { bundleFormat } from "./bundle.ts";
import { inChunks } from "./chunks.ts";
import { csvFormat } from "./csv.ts";
import {
  type AskedExport,
  exportBroken,
  exportFinished,
  exportStarted,
  filterJson,
  newExportId,
} from "./export_events.ts";
import type { FileFormat } from "./file_format.ts";
import { jsonlFormat } from "./jsonl.ts";
import { parquetFormat } from "./parquet.ts";
import { ExportTally, entriesBefore, withProgress } from "./progress.ts";
import { type StandingParts, settledCheckpoint, settledSize } from "./standing.ts";

/** What exports need. */
export interface ExportParts extends StandingParts {
  /** The pool for reads. */
  readonly database: Database;
  readonly log: Pick<LogReader, "state" | "settled" | "keys">;
  readonly tiles: TileReader;
  /** Takes the events about each export. */
  readonly writer: Pick<Writer, "open" | "submit">;
  readonly logger: Pick<Logger, "warn">;
}

/** Who exports, and until when. */
export interface ExportCall {
  /** The authenticated caller. */
  readonly by: string;
  /** Aborted when the caller goes away or the service is about to end. */
  readonly signal: AbortSignal;
}

/** With its header, the message of a chunk fits into a buffer of 256 KiB, and its copies on the way out into a processor's cache. */
const CHUNK_BYTES = 255 * 1024;
/** Bytes of rows that are read at once; the next ones are read while they are written. */
const STEP_BYTES = 2 * 1024 * 1024;

/**
 * Exports the events of a filter as a file: header, chunks with progress among them, summary. Nothing is read that the
 * consumer has no room for, save a step of 2 MiB. The request keeps the rules of its proto.
 *
 * @throws Fault `invalid` for a bad filter; `precondition` (NO_CHECKPOINT) for a bundle that no signed checkpoint would cover;
 * `unavailable` when the database or the log cannot be read, or the event about the export cannot be stored.
 */
export async function* exportEvents(
  parts: ExportParts,
  request: ExportEventsRequest,
  call: ExportCall,
): AsyncGenerator<ExportEventsResponse> {
  const query = toEventQuery(create(ListEventsRequestSchema, request.filter && { filter: request.filter }));
  const { asked, file } = await prepare(parts, request, call.signal);
  await record(parts, exportStarted(asked), call.by);
  const begun = performance.now();
  const tally = new ExportTally();
  // Ends the statement under way when the caller takes no more, whether or not it says so.
  const ending = new AbortController();
  const signal = AbortSignal.any([call.signal, ending.signal]);
  let last: OwnEvent | undefined;
  try {
    yield part("header", headerOf(asked, file));
    const digest = createHash("sha256");
    for await (const told of fileParts(parts.database, { query, asked, file, tally, signal })) {
      if ("chunk" in told) {
        digest.update(told.chunk);
        tally.bytes += told.chunk.length;
        yield part("chunk", told.chunk);
      } else {
        yield part("progress", told.progress);
      }
    }
    const sha256 = digest.digest("hex");
    const { events, bytes } = tally;
    last = exportFinished(asked, { events, bytes, sha256 }, performance.now() - begun);
    await recordEnd(parts, last, call.by);
    yield part("summary", { events: BigInt(events), bytes: BigInt(bytes), sha256 });
  } catch (error) {
    last ??= exportBroken(asked, tally, call.signal.aborted ? undefined : error, performance.now() - begun);
    throw error;
  } finally {
    ending.abort();
    // Success is recorded already. Without an error the consumer has left.
    last ??= exportBroken(asked, tally, undefined, performance.now() - begun);
    if (last.outcome === "failure") await recordEnd(parts, last, call.by);
  }
}

interface Prepared {
  readonly asked: AskedExport;
  readonly file: FileFormat<PlacedRow>;
}

/** Fixes how far the export goes, and under which checkpoint. */
async function prepare(parts: ExportParts, request: ExportEventsRequest, signal: AbortSignal): Promise<Prepared> {
  const exportId = newExportId();
  const filter = filterJson(request.filter);
  const format = request.format || ExportFormat.BUNDLE;
  const table = TABLES.get(format);
  if (table !== undefined) {
    const treeSize = await settledSize(parts, signal);
    return { asked: { exportId, format, filter, treeSize }, file: table };
  }
  const { checkpoint, note, signer } = await settledCheckpoint(parts, signal);
  const file = bundleFormat({
    checkpoint,
    checkpointNote: note,
    tiles: parts.tiles,
    signer,
    keys: await parts.log.keys(signal),
    exportId,
    created: new Date(nowMs()).toISOString(),
    filter,
  });
  return { asked: { exportId, format, filter, treeSize: checkpoint.size }, file };
}

const TABLES: ReadonlyMap<ExportFormat, FileFormat<PlacedRow>> = new Map([
  [ExportFormat.JSONL, jsonlFormat],
  [ExportFormat.CSV, csvFormat],
  [ExportFormat.PARQUET, parquetFormat],
]);

function headerOf({ exportId, format, treeSize }: AskedExport, { mediaType, extension }: FileFormat<PlacedRow>) {
  return { exportId, format, mediaType, fileName: `${exportId}.${extension}`, treeSize: BigInt(treeSize) };
}

interface Running extends Prepared {
  readonly query: EventQuery;
  readonly tally: ExportTally;
  readonly signal: AbortSignal;
}

/** The bytes of the file and how far it is. */
async function* fileParts(database: Database, { query, asked, file, tally, signal }: Running) {
  const { treeSize } = asked;
  const total = await entriesBefore(database, query.correlationId, treeSize, signal);
  const options = { query, after: -1, end: treeSize, maxBytes: STEP_BYTES, columns: file.columns, signal };
  const steps = counted(walkLog<PlacedRow>(database, options), tally);
  const progress = async () => ({
    entriesDone: BigInt(await entriesBefore(database, query.correlationId, tally.upTo + 1, signal)),
    entriesTotal: BigInt(total),
    events: BigInt(tally.events),
  });
  yield* withProgress(inChunks(file.write(steps), CHUNK_BYTES), progress);
}

async function* counted<Row>(steps: AsyncIterable<WalkStep<Row>>, tally: ExportTally): AsyncGenerator<WalkStep<Row>> {
  for await (const step of steps) {
    yield step;
    tally.upTo = step.upTo;
    tally.events += step.rows.length;
  }
}

type Part = NonNullable<ExportEventsResponse["part"]>;

function part<C extends Part["case"]>(kind: C, value: unknown): ExportEventsResponse {
  const init = { part: { case: kind, value } } as MessageInitShape<typeof ExportEventsResponseSchema>;
  return create(ExportEventsResponseSchema, init);
}

/** @throws Fault when the event could not be stored. */
async function record({ writer }: ExportParts, event: OwnEvent, by: string): Promise<void> {
  const { fault } = await writer.submit(writer.open(), await prepareOwnEvents([event], by), { requireRecorded: true });
  if (fault !== undefined) throw fault;
}

/** Records how an export ended. What cannot be recorded is told in the log: that there was one is recorded already. */
async function recordEnd({ writer, logger }: ExportParts, event: OwnEvent, by: string): Promise<void> {
  const { fault } = await writer.submit(writer.open(), await prepareOwnEvents([event], by));
  if (fault === undefined) return;
  const facts = { err: fault, correlation_id: event.correlationId };
  logger.warn(facts, "the end of an export could not be recorded");
}

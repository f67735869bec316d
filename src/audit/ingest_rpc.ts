import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { StatusSchema } from "../../gen/ts/google/rpc/status_pb.ts";
import {
  type IngestEventsRequest,
  IngestEventsRequestSchema,
  type IngestEventsResponse,
  IngestEventsResponseSchema,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { failpoint } from "../failpoint.ts";
import { type Fault, invalid } from "../fault.ts";
import { toStatus } from "../rpc/errors.ts";
import { drainingKey, until } from "../rpc/interceptors.ts";
import { principalKey } from "../rpc/principal.ts";
import { validateRequest } from "../rpc/validation.ts";
import { IngestStream, type StreamResult } from "./ingest.ts";
import { type Intake, prepareBatch } from "./intake.ts";
import type { PreparedEvent } from "./prepare.ts";
import { answeredEvents, toResults } from "./results.ts";
import type { AuditServiceParts } from "./service_parts.ts";

/** Batches of one stream that may wait for their answers to be taken; the stream is not read further meanwhile. */
const UNANSWERED_BATCHES = 64;

/** Takes the batches of a stream and answers each in turn. Reading goes on while earlier batches are being appended. */
export async function* ingestBatches(
  parts: AuditServiceParts,
  requests: AsyncIterable<IngestEventsRequest>,
  context: HandlerContext,
): AsyncGenerator<IngestEventsResponse> {
  const answers = new AnswerLine(UNANSWERED_BATCHES);
  const reading = readBatches(parts, requests, context, answers);
  // How reading ended is looked at when the last answer is out.
  reading.catch(() => {});
  try {
    for (let answer = answers.next(); ; answer = answers.next()) {
      const response = await answer;
      if (response === undefined) break;
      yield response;
    }
    await reading;
  } finally {
    answers.abandon();
  }
}

async function readBatches(
  parts: AuditServiceParts,
  requests: AsyncIterable<IngestEventsRequest>,
  context: HandlerContext,
  answers: AnswerLine,
): Promise<void> {
  const stream = new IngestStream(parts.writer);
  const recordedBy = context.values.get(principalKey).name;
  try {
    for await (const request of until(context.values.get(drainingKey), requests)) {
      await answers.add(await takeBatch(parts, stream, request, recordedBy));
      if (answers.abandoned) return;
    }
  } finally {
    answers.end();
  }
}

/** What an answer needs of its request, so that the request itself can go while the batch is under way. */
interface BatchHeader {
  readonly batchNumber: bigint;
  readonly allResults: boolean;
  readonly ids: readonly string[];
}

/** Takes one batch as far as the writer's queue; the promise in the result is its answer. */
async function takeBatch(
  parts: AuditServiceParts,
  stream: IngestStream,
  request: IngestEventsRequest,
  recordedBy: string,
): Promise<{ answer: Promise<IngestEventsResponse> }> {
  const { batchNumber, allResults, requireRecorded } = request;
  const header: BatchHeader = { batchNumber, allResults, ids: request.events.map((event) => event.eventId) };
  const refuse = (fault: Fault) => ({ answer: Promise.resolve(toResponse(parts, header, [], { refused: fault })) });
  const refusal = await stream.admit(batchNumber);
  if (refusal !== undefined) return refuse(refusal);
  const violations = validateRequest(IngestEventsRequestSchema, request);
  if (violations.length > 0) {
    if (batchNumber > 0n) stream.fail(batchNumber);
    return refuse(invalid(violations));
  }
  const intake = await prepareBatch(request.events, recordedBy);
  const events = intake.filter((entry): entry is PreparedEvent => !("violations" in entry));
  failpoint("intake.prepared");
  const { result } = await stream.submit({ number: batchNumber, events, requireRecorded });
  return { answer: result.then((settled) => toResponse(parts, header, intake, settled)) };
}

function toResponse(
  parts: AuditServiceParts,
  header: BatchHeader,
  intake: Intake,
  result: StreamResult,
): IngestEventsResponse {
  failpoint("answer.send");
  const fault = "refused" in result ? result.refused : result.fault;
  const events = "refused" in result ? [] : answeredEvents(intake, header.ids, result.outcomes, parts.onAnswered);
  const counts = { recorded: 0, duplicate: 0, conflict: 0, rejected: 0, queued: 0 };
  for (const { outcome } of events) counts[outcome.kind]++;
  const told = header.allResults ? events : events.filter(({ outcome }) => outcome.kind !== "recorded");
  return create(IngestEventsResponseSchema, {
    batchNumber: header.batchNumber,
    status: fault === undefined ? create(StatusSchema) : toStatus(fault, parts.log),
    recorded: counts.recorded,
    duplicates: counts.duplicate,
    conflicts: counts.conflict,
    rejected: counts.rejected,
    queued: counts.queued,
    results: toResults(told),
  });
}

/** The answers of a stream in the order of its batches, with a bound on how many wait to be taken. */
class AnswerLine {
  readonly #capacity: number;
  readonly #answers: Promise<IngestEventsResponse>[] = [];
  #ended = false;
  abandoned = false;
  #added: (() => void) | undefined;
  #taken: (() => void) | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Waits until there is room for another answer. */
  async add({ answer }: { answer: Promise<IngestEventsResponse> }): Promise<void> {
    this.#answers.push(answer);
    this.#added?.();
    while (this.#answers.length >= this.#capacity && !this.abandoned) {
      await new Promise<void>((resolve) => {
        this.#taken = resolve;
      });
    }
  }

  /** The next answer when it is settled; undefined at the end. */
  async next(): Promise<IngestEventsResponse | undefined> {
    while (this.#answers.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#added = resolve;
      });
    }
    const answer = await (this.#answers[0] as Promise<IngestEventsResponse>);
    this.#answers.shift();
    this.#taken?.();
    return answer;
  }

  /** No answer follows. */
  end(): void {
    this.#ended = true;
    this.#added?.();
  }

  /** Nobody takes answers any more. */
  abandon(): void {
    this.abandoned = true;
    this.#taken?.();
  }
}

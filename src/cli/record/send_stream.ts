import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type IngestEventsRequest,
  IngestEventsRequestSchema,
  type IngestEventsResponse,
} from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Batch } from "./batches.ts";
import type { Feed } from "./feed.ts";
import { statusError } from "./retry.ts";
import type { SendOptions } from "./sender.ts";

/** How long the answers to what is under way may take when a person wants an end, in milliseconds. */
const LAST_ANSWERS_MS = 5_000;

/** One stream of the service, from its opening until everything is settled or it fails. */
export class SendStream {
  readonly #feed: Feed;
  readonly #options: SendOptions;
  readonly #sent = new Set<Batch>();
  #inFlight = 0;
  readonly #lost = new AbortController();
  /** Why a batch was not taken. From then on nothing is sent over this stream. */
  #refusal: ConnectError | undefined;
  #ended = false;
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(feed: Feed, options: SendOptions) {
    this.#feed = feed;
    this.#options = options;
  }

  /** Undefined when everything is settled; otherwise why the stream ended before that. */
  async run(): Promise<ConnectError | undefined> {
    const { open, signal } = this.#options;
    const finish = () => {
      this.#wake?.();
      this.#expectAnswerWithin(LAST_ANSWERS_MS);
    };
    signal.addEventListener("abort", finish);
    try {
      for await (const answer of open(this.#requests(), { signal: this.#lost.signal })) this.#take(answer);
      if (this.#feed.ended && this.#feed.unanswered.length === 0) return undefined;
      return this.#refusal ?? new ConnectError("the service ended the stream", Code.Unavailable);
    } catch (error) {
      if (this.#lost.signal.aborted) return this.#lost.signal.reason as ConnectError;
      return this.#refusal ?? ConnectError.from(error, Code.Unavailable);
    } finally {
      this.#ended = true;
      signal.removeEventListener("abort", finish);
      clearTimeout(this.#timer);
      this.#wake?.();
    }
  }

  get #stopped(): boolean {
    return (
      this.#ended || this.#refusal !== undefined || this.#options.signal.aborted || this.#feed.failure !== undefined
    );
  }

  async *#requests(): AsyncGenerator<IngestEventsRequest> {
    while (!this.#stopped) {
      const batch = this.#feed.unanswered.find((candidate) => !this.#sent.has(candidate));
      if (batch !== undefined) {
        this.#sent.add(batch);
        this.#inFlight += 1;
        if (this.#inFlight === 1) this.#expectAnswerWithin(this.#options.answerTimeoutMs);
        const { requireRecorded } = this.#options;
        yield create(IngestEventsRequestSchema, {
          batchNumber: batch.number,
          events: [...batch.events],
          requireRecorded,
        });
      } else if (this.#feed.ended) return;
      else await this.#change();
    }
  }

  /** Resolves when there may be something to send, or nothing any more. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#feed.fetch()?.then(resolve);
    });
  }

  #take(answer: IngestEventsResponse): void {
    this.#inFlight -= 1;
    if (this.#inFlight > 0) this.#expectAnswerWithin(this.#options.answerTimeoutMs);
    else clearTimeout(this.#timer);
    const batch = this.#feed.unanswered.find(({ number }) => number === answer.batchNumber);
    if (batch === undefined) return;
    const refusal = statusError(answer.status);
    // The first one says why; those after it only that they were not tried.
    this.#refusal ??= refusal;
    if (refusal === undefined) {
      this.#feed.settle(batch);
      this.#sent.delete(batch);
    }
    this.#options.onAnswer(batch, answer, refusal === undefined);
    this.#wake?.();
  }

  #expectAnswerWithin(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#lost.abort(new ConnectError(`no answer within ${milliseconds} ms`, Code.DeadlineExceeded));
    }, milliseconds);
  }
}

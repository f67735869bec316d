import { setTimeout as delay } from "node:timers/promises";
import type { ConnectError } from "@connectrpc/connect";
import type { IngestEventsRequest, IngestEventsResponse } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Batch } from "./batches.ts";
import { Feed, type Window } from "./feed.ts";
import { isTransient, retryDelayMs } from "./retry.ts";
import { SendStream } from "./send_stream.ts";

/** Opens a stream: IngestEvents of a client. */
export type OpenStream = (
  requests: AsyncIterable<IngestEventsRequest>,
  options: { readonly signal: AbortSignal },
) => AsyncIterable<IngestEventsResponse>;

export interface SendOptions {
  readonly open: OpenStream;
  /** Ask the service never to answer QUEUED. */
  readonly requireRecorded: boolean;
  /** What may be unanswered at once. */
  readonly window: Window;
  /** The longest wait for an answer, in milliseconds; then the stream counts as lost. */
  readonly answerTimeoutMs: number;
  /** How long to go on sending again while the service takes nothing, in milliseconds. */
  readonly retryForMs: number;
  /** Ends sending, once the answers to what is under way are there. */
  readonly signal: AbortSignal;
  /** Told of each answer with its batch; `settled` is false for a batch that will be sent again. */
  readonly onAnswer: (batch: Batch, answer: IngestEventsResponse, settled: boolean) => void;
  /** Told when batches are about to be sent again, and why. */
  readonly onRetry: (batches: readonly Batch[], reason: ConnectError) => void;
}

/**
 * Sends batches over IngestEvents, several at once, until each is answered OK. When a batch could not be taken, or a stream
 * went away, whatever is not answered OK is sent again in its order over a new stream, so that the order within a
 * correlation holds; what had been stored by then is found to be a duplicate. Holds no more in memory than the window.
 *
 * @throws ConnectError when the service refuses for good, or has taken nothing for `retryForMs`; whatever the source of the
 * batches threw.
 */
export async function sendBatches(batches: AsyncIterable<Batch>, options: SendOptions): Promise<void> {
  const feed = new Feed(batches, options.window);
  try {
    for (let tries = 0, since = Date.now(); ; tries++) {
      const before = feed.settled;
      const failure = await new SendStream(feed, options).run();
      if (feed.failure !== undefined) throw feed.failure.error;
      if (failure === undefined || options.signal.aborted) return;
      if (feed.settled > before) [tries, since] = [0, Date.now()];
      const wait = retryDelayMs(failure, tries);
      if (!isTransient(failure) || Date.now() + wait - since > options.retryForMs) throw failure;
      options.onRetry(feed.unanswered, failure);
      await delay(wait, undefined, { signal: options.signal }).catch(() => {});
      if (options.signal.aborted) return;
    }
  } finally {
    await feed.close();
  }
}

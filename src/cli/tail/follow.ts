import { setTimeout as delay } from "node:timers/promises";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import { PayloadForm } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type {
  AuditService,
  EventFilter,
  TailEventsResponse,
} from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { isTransient, retryDelayMs } from "../record/retry.ts";

/** What to follow, and how. */
export interface FollowOptions {
  readonly filter: EventFilter;
  /** Absent: from the first event on, or with `fromNow` behind what is there. */
  readonly afterLogIndex: bigint | undefined;
  readonly fromNow: boolean;
  readonly untilNow: boolean;
  /** Milliseconds without a message after which a stream counts as broken; above the ten seconds of the contract. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
  /** Told when the stream is broken and is about to be resumed. */
  readonly onBroken: (error: ConnectError, afterLogIndex: bigint, delayMs: number) => Promise<void>;
}

/**
 * The messages of TailEvents, over as many streams as it takes: a broken one is resumed behind the last message. What fails before
 * the first message, and what no new stream can heal, is thrown.
 */
export async function* follow(
  client: Client<typeof AuditService>,
  options: FollowOptions,
): AsyncGenerator<TailEventsResponse> {
  let after = options.afterLogIndex;
  let begun = false;
  for (let tries = 0; ; tries++) {
    try {
      for await (const message of tail(client, options, begun ? after : options.afterLogIndex, begun)) {
        yield message;
        after = message.upToLogIndex;
        begun = true;
        tries = 0;
      }
      return;
    } catch (error) {
      if (!(error instanceof ConnectError) || !begun || after === undefined) throw error;
      if (options.signal.aborted || !isTransient(error)) throw error;
      // A server that drains says so to every caller: the next connection may be good at once.
      const delayMs = isDraining(error) && tries === 0 ? 0 : retryDelayMs(error, tries);
      await options.onBroken(error, after, delayMs);
      await delay(delayMs, undefined, { signal: options.signal });
    }
  }
}

/** One stream, until it ends or has been silent for too long. */
async function* tail(
  client: Client<typeof AuditService>,
  { filter, fromNow, untilNow, silenceMs, signal }: FollowOptions,
  after: bigint | undefined,
  resumed: boolean,
): AsyncGenerator<TailEventsResponse> {
  const silent = new AbortController();
  const listen = () => setTimeout(() => silent.abort(), silenceMs);
  let silence = listen();
  const request = {
    ...(after !== undefined && { afterLogIndex: after }),
    filter,
    fromNow: fromNow && !resumed,
    untilNow,
    payloadForm: PayloadForm.JSON,
  };
  try {
    const messages = client.tailEvents(request, { signal: AbortSignal.any([signal, silent.signal]), timeoutMs: 0 });
    for await (const message of messages) {
      clearTimeout(silence);
      yield message;
      silence = listen();
    }
  } catch (error) {
    if (silent.signal.aborted) throw new ConnectError("nothing was heard of the service", Code.DeadlineExceeded);
    throw error;
  } finally {
    clearTimeout(silence);
    silent.abort();
  }
}

function isDraining(error: ConnectError): boolean {
  return error.findDetails(ErrorInfoSchema).some(({ reason }) => reason === "CONNECTION_DRAINING");
}

import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  BreakerState,
  type GetQueueStatusResponse,
  GetQueueStatusResponseSchema,
  type QueueStreamStatus,
  QueueStreamStatusSchema,
} from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { toStoreStatuses } from "../audit/store_status.ts";
import { nowMs } from "../clock.ts";
import { Fault } from "../fault.ts";
import { QUEUE_KEYS, STREAMS, type StreamName } from "./keys.ts";
import { STREAM_VALUES, timeOf } from "./letter_message.ts";
import type { QueueLimits, QueueStore, QueueStoreStatus } from "./queue_store.ts";
import type { DeadLetterParts } from "./service_parts.ts";

const BREAKER_STATES = {
  closed: BreakerState.CLOSED,
  open: BreakerState.OPEN,
  half_open: BreakerState.HALF_OPEN,
} as const;

/** The state of the queue as this process sees it. */
export async function queueStatus({ stores, queue }: DeadLetterParts): Promise<GetQueueStatusResponse> {
  const statuses = toStoreStatuses(stores());
  if (queue === undefined) return create(GetQueueStatusResponseSchema, statuses);
  const { limits } = queue.store;
  const { breaker, waiting, draining } = queue.drainer.status();
  const asked = await askStore(queue.store);
  return create(GetQueueStatusResponseSchema, {
    ...statuses,
    streams: asked === undefined ? [] : STREAMS.map((stream) => streamStatus(stream, asked, limits)),
    bytesLimit: BigInt(limits.bytes),
    breaker: BREAKER_STATES[breaker],
    waitingEntries: waiting,
    drainingConsumer: asked?.leaseHolder ?? "",
    drainingHere: draining,
  });
}

/** Undefined while it is away: the state of the store says that already. */
async function askStore(store: Pick<QueueStore, "status">): Promise<QueueStoreStatus | undefined> {
  try {
    return await store.status();
  } catch (error) {
    if (error instanceof Fault && error.kind === "unavailable") return undefined;
    throw error;
  }
}

function streamStatus(stream: StreamName, status: QueueStoreStatus, limits: QueueLimits): QueueStreamStatus {
  const { entries, bytes, oldest, letters, letterBytes } = status.depth[stream];
  const oldestTime = timeOf(oldest);
  const allLetterBytes = STREAMS.reduce((sum, one) => sum + status.depth[one].letterBytes, 0);
  return create(QueueStreamStatusSchema, {
    stream: STREAM_VALUES[stream],
    key: QUEUE_KEYS[stream],
    depth: BigInt(entries),
    depthLimit: BigInt(limits.entries),
    bytes: BigInt(bytes),
    // Another process may have queued it, by another clock.
    ...(oldestTime && { oldestTime, oldestAge: durationFromMs(Math.max(0, nowMs() - timestampMs(oldestTime))) }),
    // Valkey remembers every process that ever read; those that hold nothing say nothing.
    consumers: status.pending[stream]
      .filter(({ pending }) => pending > 0)
      .map(({ consumer, pending, idleMs }) => {
        return { name: consumer, pending: BigInt(pending), idle: durationFromMs(idleMs) };
      }),
    deadLetters: {
      count: BigInt(letters),
      countLimit: BigInt(limits.deadLetters),
      bytes: BigInt(letterBytes),
      bytesLimit: BigInt(limits.deadLetterBytes),
      full: letters >= limits.deadLetters || allLetterBytes >= limits.deadLetterBytes,
    },
  });
}

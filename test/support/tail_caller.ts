import assert from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import type { AuditEvent } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  type TailEventsRequestSchema,
  type TailEventsResponse,
  TailEventsResponseSchema,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { AuditClient } from "./audit_service.ts";

type TailRequest = MessageInitShape<typeof TailEventsRequestSchema>;

/** Bytes over which no message may leave. */
const MOST_BYTES = 4 * 1024 * 1024;

/** The client's end of one TailEvents stream, which holds each message to what the contract says of it. */
export class TailCaller {
  readonly events: AuditEvent[] = [];
  readonly removed: (readonly [first: number, last: number])[] = [];
  /** up_to_log_index of the last message; undefined before the first. */
  upTo: number | undefined;
  logSize = 0;
  messages = 0;
  /** Settles with the stream: with what it failed with, or undefined. */
  readonly ended: Promise<unknown>;
  readonly #stop = new AbortController();
  #heard = () => {};

  constructor(client: AuditClient, request: TailRequest = {}) {
    const stream = client.tailEvents(request, { signal: this.#stop.signal });
    this.ended = this.#read(stream).then(
      () => undefined,
      (error: unknown) => error,
    );
    void this.ended.then(() => this.#heard());
  }

  async #read(stream: AsyncIterable<TailEventsResponse>): Promise<void> {
    for await (const message of stream) {
      this.#take(message);
      this.#heard();
    }
  }

  #take(message: TailEventsResponse): void {
    assert.ok(toBinary(TailEventsResponseSchema, message).byteLength < MOST_BYTES);
    const upTo = Number(message.upToLogIndex);
    const before = this.upTo ?? -1;
    assert.ok(upTo >= before, `up_to_log_index ${upTo} after ${before}`);
    const places = message.events.map(({ logIndex }) => Number(logIndex));
    assert.ok(
      places.every((place, at) => place > (at === 0 ? before : (places[at - 1] as number)) && place <= upTo),
      `events ${places} of ${before + 1} to ${upTo}`,
    );
    this.messages++;
    this.events.push(...message.events);
    for (const { firstLogIndex, lastLogIndex } of message.removed) {
      this.removed.push([Number(firstLogIndex), Number(lastLogIndex)]);
    }
    this.upTo = upTo;
    this.logSize = Number(message.logSize);
    assert.ok(this.logSize > upTo);
  }

  /** Resolves when `enough` holds after a message. @throws what the stream ends with before that. */
  async until(enough: () => boolean): Promise<void> {
    let ended = false;
    void this.ended.then(() => {
      ended = true;
    });
    while (!enough()) {
      if (ended) throw (await this.ended) ?? new Error("the stream ended");
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  get places(): number[] {
    return this.events.map(({ logIndex }) => Number(logIndex));
  }

  /** Leaves the stream. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }
}

/** Everything that the log has by now, behind a place. */
export async function tailToEnd(client: AuditClient, request: TailRequest = {}): Promise<TailCaller> {
  const tail = new TailCaller(client, { ...request, untilNow: true } as TailRequest);
  const failure = await tail.ended;
  if (failure !== undefined) throw failure;
  return tail;
}

/** The numbers from `first` on, `end` excluded. */
export function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, at) => first + at);
}

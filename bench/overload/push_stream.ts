import { setTimeout as wait } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import { RetryInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import type { Status } from "../../gen/ts/google/rpc/status_pb.ts";
import {
  type IngestEventsResponse,
  IngestEventsResponseSchema,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { GrpcCall, GrpcConnection } from "../grpc.ts";
import type { BatchName, BatchTemplate } from "./batch_template.ts";

/** What streams were told so far; numbers of events, or of batches for those that have no outcome. */
export interface PushCounts {
  recorded: number;
  queued: number;
  duplicates: number;
  /** Batches refused with RESOURCE_EXHAUSTED, UNAVAILABLE, or another status. */
  exhausted: number;
  unavailable: number;
  otherwise: number;
  /** Refused batches that were not told when to come again. */
  withoutRetryInfo: number;
  /** Batches that were not tried because one before them was refused. */
  notTried: number;
}

export const NOTHING_YET: PushCounts = {
  recorded: 0,
  queued: 0,
  duplicates: 0,
  exhausted: 0,
  unavailable: 0,
  otherwise: 0,
  withoutRetryInfo: 0,
  notTried: 0,
};

const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;
/** Milliseconds to wait where the service names none. */
const RETRY_MS = 250;

export interface PushStreamOptions {
  readonly connection: GrpcConnection;
  readonly template: BatchTemplate;
  /** Events of a batch. */
  readonly batch: number;
  /** Number of the stream over all processes. */
  readonly stream: number;
  readonly counts: PushCounts;
  /** Resolves when another batch may be made; absent: at once. */
  readonly turn?: () => Promise<void>;
}

/**
 * A stream that sends as much as flow control lets it, whatever is unanswered. Where a batch is refused, it waits for as long
 * as it was told and sends that batch again and all that followed.
 */
export class PushStream {
  /** Batches whose events all have an outcome. */
  readonly acknowledged: BatchName[] = [];
  readonly #options: PushStreamOptions;
  readonly #call: GrpcCall;
  /** Made and not acknowledged, in order. The first `#sent` of them are on their way. */
  readonly #open: BatchName[] = [];
  #sent = 0;
  /** Of those on their way, the ones answered with a refusal. */
  #refused = 0;
  #retryMs: number | undefined;
  #made = 0;
  #ending = false;
  #fault: Error | undefined;
  #change = Promise.withResolvers<void>();

  constructor(options: PushStreamOptions) {
    this.#options = options;
    this.#call = options.connection.call("IngestEvents", (answers) => {
      for (const answer of answers) this.#answered(fromBinary(IngestEventsResponseSchema, answer));
      this.#wake();
    });
    this.#call.onDrain(() => this.#wake());
    this.#call.ended.catch((error: Error) => {
      this.#fault ??= error;
      this.#wake();
    });
  }

  /** Whether it would send more and may not. */
  get heldBack(): boolean {
    return this.#call.isFull;
  }

  /** No new batches. */
  end(): void {
    this.#ending = true;
    this.#wake();
  }

  /** Resolves after `end` when everything that was made is acknowledged. Rejects when the call ends in another way. */
  async run(): Promise<void> {
    while (!(this.#ending && this.#open.length === 0)) {
      if (this.#fault !== undefined) throw this.#fault;
      const changed = this.#change.promise;
      if (this.#retryMs !== undefined) {
        // All that is on its way is answered first: not tried, each of them.
        if (this.#refused < this.#sent) await changed;
        else await this.#beginAgain(this.#retryMs);
      } else if (this.#call.isFull) await changed;
      else if (this.#sent < this.#open.length) this.#send();
      else if (this.#ending) await changed;
      else await this.#make();
    }
    this.#call.end();
    await this.#call.ended;
  }

  async #make(): Promise<void> {
    await this.#options.turn?.();
    if (this.#ending) return;
    this.#open.push({ time: Date.now(), stream: this.#options.stream, number: ++this.#made });
  }

  #send(): void {
    this.#call.write(this.#options.template.copy(this.#open[this.#sent++] as BatchName));
  }

  async #beginAgain(retryMs: number): Promise<void> {
    await wait(retryMs * (1 + Math.random() / 2));
    this.#sent = 0;
    this.#refused = 0;
    this.#retryMs = undefined;
  }

  #answered(answer: IngestEventsResponse): void {
    const due = this.#open[this.#refused];
    if (Number(answer.batchNumber) !== due?.number) {
      this.#fault ??= new Error(`batch ${answer.batchNumber} was answered, and ${due?.number ?? "none"} was due`);
      return;
    }
    if (answer.status === undefined || answer.status.code === 0) this.#acknowledge(due, answer);
    else this.#refuse(answer.status);
  }

  #refuse(status: Status): void {
    const { counts } = this.#options;
    const { code } = status;
    this.#refused++;
    if (code === FAILED_PRECONDITION && this.#retryMs !== undefined) {
      counts.notTried++;
      return;
    }
    if (code === RESOURCE_EXHAUSTED) counts.exhausted++;
    else if (code === UNAVAILABLE) counts.unavailable++;
    else counts.otherwise++;
    const told = retryMsOf(status);
    if (told === undefined) counts.withoutRetryInfo++;
    this.#retryMs ??= told ?? RETRY_MS;
  }

  #acknowledge(name: BatchName, { recorded, queued, duplicates }: IngestEventsResponse): void {
    const { counts, batch } = this.#options;
    if (recorded + queued + duplicates !== batch) {
      this.#fault ??= new Error(`${batch - recorded - queued - duplicates} of ${batch} events were not taken`);
    }
    counts.recorded += recorded;
    counts.queued += queued;
    counts.duplicates += duplicates;
    // Perhaps behind one that was refused: it was under way in another append, with other correlations.
    this.#open.splice(this.#refused, 1);
    this.#sent--;
    this.acknowledged.push(name);
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }
}

function retryMsOf({ details }: Status): number | undefined {
  const info = details.map((detail) => anyUnpack(detail, RetryInfoSchema)).find((found) => found !== undefined);
  return info?.retryDelay && durationMs(info.retryDelay);
}

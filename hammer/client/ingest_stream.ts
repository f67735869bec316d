import { setTimeout as wait } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import type { StatusObject } from "@grpc/grpc-js";
import { IngestEventsResponseSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Batch } from "./batch_source.ts";
import type { RawStream } from "./connection.ts";
import { type Letter, outcomesOf } from "./outcomes.ts";
import type { SenderParts } from "./recorder.ts";
import { type Refusal, refusalOfCall, refusalOfStatus, waitBefore } from "./refusal.ts";

/** Batches that are sent and not answered, at most. */
const MOST_IN_FLIGHT = 4;
/** Batches that are kept for being sent again on purpose, at most. */
const MOST_KEPT = 5;

interface IngestParts extends SenderParts {
  readonly resendShare: number;
  readonly twinShare: number;
}

/** A gRPC stream of its own, as long as it lives. */
interface Live {
  /** Its number in the history. */
  readonly call: number;
  readonly stream: RawStream;
  /** Why it ended. */
  end: StatusObject | undefined;
}

/**
 * The stream of one emitter, over one gRPC stream after the other: batches go out in their order, and what has no outcome
 * goes out again, in the same order, before anything new.
 */
export class IngestStream {
  readonly #parts: IngestParts;
  /** To be sent, in this order. */
  #waiting: Batch[] = [];
  /** Sent over the living gRPC stream and not answered, in this order. */
  #inFlight: Batch[] = [];
  /** Answered with a refusal since the stream last went well, in this order. */
  #refused: Batch[] = [];
  /** The first of these refusals; nothing is sent until it has been waited for. */
  #refusal: Refusal | undefined;
  /** Acknowledged, to be sent again on purpose at some time. */
  readonly #kept: { readonly batch: Batch; readonly anchored: boolean }[] = [];
  #making: Promise<void> | undefined;
  #tries = 0;
  #change = Promise.withResolvers<void>();

  constructor(parts: IngestParts) {
    this.#parts = parts;
  }

  /** Resolves when no more is to be sent and everything has its outcome. */
  async run(): Promise<void> {
    const { connection, tally } = this.#parts;
    for (;;) {
      const link = connection.link;
      const live: Live = { call: tally.opened(link.address, true), stream: link.ingest(), end: undefined };
      await this.#use(live);
      if (this.#isOver) return;
      const { why, retryMs } = refusalOfCall(live.end as StatusObject);
      this.#reclaim(live.call, why);
      connection.giveUp(link);
      await wait(waitBefore(this.#tries++, retryMs));
    }
  }

  get #isOver(): boolean {
    return this.#parts.pacer.ended && this.#unsettled === 0 && this.#making === undefined;
  }

  get #unsettled(): number {
    return this.#waiting.length + this.#inFlight.length + this.#refused.length;
  }

  /** Sends over a gRPC stream until it ends. */
  async #use(live: Live): Promise<void> {
    const { stream } = live;
    stream.on("data", (bytes: Buffer) => this.#answer(live, bytes));
    // What it says is in the status as well.
    stream.on("error", () => {});
    stream.on("drain", () => this.#wake());
    stream.on("status", (end: StatusObject) => {
      live.end = end;
      this.#wake();
    });
    const watch = this.#watch(live);
    while (live.end === undefined) await this.#step(live);
    clearInterval(watch);
  }

  /** One batch more, or a wait for something to change. */
  async #step(live: Live): Promise<void> {
    const changed = this.#change.promise;
    const held =
      this.#refusal !== undefined || this.#inFlight.length >= MOST_IN_FLIGHT || live.stream.writableNeedDrain;
    if (held) await changed;
    else if (this.#waiting.length > 0) await this.#send(live, this.#waiting.shift() as Batch);
    else if (this.#isOver) {
      live.stream.end();
      await changed;
    } else if (this.#parts.pacer.ended && this.#making === undefined) await changed;
    else {
      this.#making ??= this.#make().finally(() => {
        this.#making = undefined;
        this.#wake();
      });
      await changed;
    }
  }

  async #send(live: Live, batch: Batch): Promise<void> {
    this.#inFlight.push(batch);
    await this.#parts.tally.sending(batch, live.call);
    if (live.end === undefined) live.stream.write(batch.request);
  }

  /** Adds a batch to those that wait, when it is this stream's turn. */
  async #make(): Promise<void> {
    const { source, pacer, tally, number } = this.#parts;
    const again = this.#kept.length > 0 && source.random.chance(1 / MOST_KEPT) ? this.#kept.shift() : undefined;
    const count = again?.batch.count ?? source.nextCount();
    if (!(await pacer.turn(count))) return;
    if (again === undefined) {
      const batch = source.make(count);
      tally.made(batch, number);
      this.#waiting.push(batch);
    } else {
      const batch = source.repeat(again.batch, again.anchored);
      tally.repeats(batch, again.batch);
      this.#waiting.push(batch);
    }
  }

  #answer(live: Live, bytes: Buffer): void {
    const { tally } = this.#parts;
    const answer = fromBinary(IngestEventsResponseSchema, bytes);
    const batch = this.#inFlight.shift();
    if (batch === undefined || Number(answer.batchNumber) !== batch.number) {
      throw new Error(`batch ${answer.batchNumber} was answered, and ${batch?.number ?? "none"} was due`);
    }
    if (answer.status === undefined || answer.status.code === 0) {
      const outcomes = outcomesOf(batch.count, answer.results);
      tally.acked(batch, live.call, outcomes);
      this.#tries = 0;
      this.#consider(batch, outcomes);
    } else {
      const refusal = refusalOfStatus(answer.status);
      tally.unknown(batch, live.call, refusal.why);
      this.#refused.push(batch);
      this.#refusal ??= refusal;
    }
    if (this.#refusal !== undefined && this.#inFlight.length === 0) this.#tryAgainLater(live, this.#refusal);
    this.#wake();
  }

  /** Everything that was sent after the refused batch has been refused by now, too. */
  #tryAgainLater(live: Live, { retryMs }: Refusal): void {
    setTimeout(
      () => {
        // When the stream has ended meanwhile, its end has seen to them.
        if (live.end !== undefined) return;
        this.#waiting.unshift(...this.#refused.splice(0));
        this.#refusal = undefined;
        this.#wake();
      },
      waitBefore(this.#tries++, retryMs),
    );
  }

  /** Sends a batch that was acknowledged again on purpose, or one event of it with other content, now and then. */
  #consider(batch: Batch, outcomes: readonly Letter[]): void {
    const { source, tally, number, resendShare, twinShare, pacer } = this.#parts;
    if (batch.kind !== "new" || pacer.ended) return;
    if (this.#kept.length < MOST_KEPT && source.random.chance(resendShare)) {
      this.#kept.push({ batch, anchored: outcomes.includes("Q") });
    }
    // Only what is recorded for sure: of two that wait in the queue, the second would be in the right if the first were lost.
    if ((outcomes[0] === "R" || outcomes[0] === "D") && source.random.chance(twinShare)) {
      const twin = source.twin(batch);
      tally.twins(twin, number);
      this.#waiting.push(twin);
    }
  }

  /** Makes everything without an outcome wait for the next gRPC stream, in the order in which it was first sent. */
  #reclaim(call: number, why: string): void {
    for (const batch of this.#inFlight) this.#parts.tally.unknown(batch, call, why);
    const again = [...this.#refused.splice(0), ...this.#inFlight.splice(0), ...this.#waiting.splice(0)];
    this.#waiting = again.filter(({ anchored }) => !anchored);
    this.#refusal = undefined;
    const free = this.#kept.filter(({ anchored }) => !anchored);
    this.#kept.splice(0, this.#kept.length, ...free);
  }

  /** Gives the gRPC stream up when an answer is due and nothing comes for too long. */
  #watch({ stream }: Live): NodeJS.Timeout {
    let since = performance.now();
    stream.on("data", () => {
      since = performance.now();
    });
    const { answerTimeoutMs } = this.#parts;
    return setInterval(() => {
      const waits = this.#inFlight.length > 0;
      if (!waits) since = performance.now();
      else if (performance.now() - since > answerTimeoutMs) stream.cancel();
    }, answerTimeoutMs / 10);
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }
}

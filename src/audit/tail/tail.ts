import { create } from "@bufbuild/protobuf";
import {
  type TailEventsRequest,
  type TailEventsResponse,
  TailEventsResponseSchema,
} from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { Fault, invalid } from "../../fault.ts";
import type { LogGrowth } from "../../integrity/log/log_growth.ts";
import type { LogReader } from "../../integrity/log/log_reader.ts";
import type { Database } from "../../postgres/database.ts";
import { toFilterQuery } from "../read/filter_message.ts";
import { walkLog } from "../read/log_walk.ts";
import type { EventQuery } from "../read/query.ts";
import { beating } from "./beat.ts";
import { toMessages } from "./messages.ts";

/** What a tail needs of the store. */
export interface TailParts {
  readonly database: Database;
  readonly log: Pick<LogReader, "state">;
  readonly growth: LogGrowth;
}

/** Milliseconds without a message after which one says that all is well; the contract allows ten seconds. */
const BEAT_MS = 5_000;
/** Milliseconds between two messages that tell of progress alone. */
const PROGRESS_MS = 1_000;
/** Bytes of rows that are read at once. A caller that does not read holds three times as much. */
const STEP_BYTES = 1024 * 1024;

/**
 * Gives the events of a filter in the order of the log: those that are there, and then each as it gets its index. The first message
 * comes at once and tells where it begins. Between two growths of the log a tail costs the database nothing.
 *
 * @throws Fault `invalid` for a bad filter, `precondition` LOG_SHORTER when the log does not reach the place to begin behind,
 * `unavailable` when the database cannot be read; the reason of `signal` when that is aborted.
 */
export async function* tailEvents(
  parts: TailParts,
  request: TailEventsRequest,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<TailEventsResponse> {
  const query = queryOf(request);
  const { size } = await parts.log.state(signal);
  const after = placeBefore(request, size);
  const tail = new Tail(parts, request, query, after, signal);
  yield tail.message(after, size);
  yield* tail.read(size);
  if (!request.untilNow) yield* tail.follow(size);
}

/** @throws Fault `invalid`. */
function queryOf(request: TailEventsRequest): EventQuery {
  if (request.fromNow && request.afterLogIndex !== undefined) {
    throw invalid([{ field: "from_now", description: "must not be set together with after_log_index" }]);
  }
  return toFilterQuery(request.filter);
}

/** The place behind which a tail of a log of `size` begins. @throws Fault `precondition`. */
function placeBefore({ afterLogIndex, fromNow }: TailEventsRequest, size: number): number {
  if (fromNow) return size - 1;
  if (afterLogIndex === undefined) return -1;
  if (afterLogIndex >= BigInt(size)) throw shorter(size, afterLogIndex);
  return Number(afterLogIndex);
}

function shorter(size: number, after: bigint): Fault {
  const message = `the log does not reach index ${after}: it has ${size} entries; it was restored from a backup, or is another log`;
  return new Fault("precondition", message, { reason: "LOG_SHORTER", metadata: { log_size: String(size) } });
}

/** One tail, and how far it has come. */
class Tail {
  readonly #parts: TailParts;
  readonly #request: TailEventsRequest;
  readonly #query: EventQuery;
  readonly #signal: AbortSignal;
  /** Everything up to here was looked at. */
  #upTo: number;
  /** Everything up to here was told. */
  #toldTo: number;
  #toldAt = 0;

  constructor(parts: TailParts, request: TailEventsRequest, query: EventQuery, after: number, signal: AbortSignal) {
    this.#parts = parts;
    this.#request = request;
    this.#query = query;
    this.#signal = signal;
    this.#upTo = this.#toldTo = after;
  }

  /** Gives what lies before `end` and was not given yet. */
  async *read(end: number): AsyncGenerator<TailEventsResponse> {
    const walk = walkLog(this.#parts.database, {
      query: this.#query,
      after: this.#upTo,
      end,
      maxBytes: STEP_BYTES,
      signal: this.#signal,
    });
    for await (const step of beating(walk, BEAT_MS)) {
      if (step === undefined) yield this.message(this.#upTo, end);
      else {
        for (const part of toMessages(step, this.#request.payloadForm)) {
          this.#upTo = part.upTo;
          if (part.events.length > 0 || part.removed.length > 0 || this.#isProgressDue()) {
            yield this.message(part.upTo, end, part);
          }
        }
      }
    }
    if (this.#request.untilNow && this.#toldTo < this.#upTo) yield this.message(this.#upTo, end);
  }

  /** Gives what the log grows by beyond `size`; never ends by itself. */
  async *follow(size: number): AsyncGenerator<TailEventsResponse> {
    const { growth } = this.#parts;
    for (let end = size; ; ) {
      const quietMs = this.#toldTo < this.#upTo ? PROGRESS_MS : BEAT_MS;
      await growth.waitBeyond(end, this.#signal, quietMs);
      if (growth.size > end) {
        end = growth.size;
        yield* this.read(end);
      } else {
        if (growth.size < end) await this.#refuseShorter(end);
        yield this.message(this.#upTo, end);
      }
    }
  }

  /** A message that tells of everything up to a place. */
  message(
    upTo: number,
    end: number,
    more: Partial<Pick<TailEventsResponse, "events" | "removed">> = {},
  ): TailEventsResponse {
    this.#toldTo = upTo;
    this.#toldAt = performance.now();
    const logSize = Math.max(end, this.#parts.growth.size);
    return create(TailEventsResponseSchema, {
      events: more.events ?? [],
      removed: more.removed ?? [],
      upToLogIndex: BigInt(upTo),
      logSize: BigInt(logSize),
    });
  }

  #isProgressDue(): boolean {
    return performance.now() - this.#toldAt >= PROGRESS_MS;
  }

  /** What was heard of the log's size may be old; the database knows. */
  async #refuseShorter(end: number): Promise<void> {
    const { size } = await this.#parts.log.state(this.#signal);
    if (size < end) throw shorter(size, BigInt(end - 1));
  }
}

import { setTimeout as wait } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import type { ServiceError } from "@grpc/grpc-js";
import { RecordEventsResponseSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Batch, BatchSource } from "./batch_source.ts";
import type { Connection } from "./connection.ts";
import { outcomesOf } from "./outcomes.ts";
import type { Pacer } from "./pacer.ts";
import { refusalOfCall, waitBefore } from "./refusal.ts";
import type { Tally } from "./tally.ts";

export interface SenderParts {
  /** Number of the source within the process. */
  readonly number: number;
  readonly source: BatchSource;
  readonly connection: Connection;
  readonly pacer: Pacer;
  readonly tally: Tally;
  readonly answerTimeoutMs: number;
}

/**
 * Calls RecordEvents with one batch after the other, each until it is acknowledged; what is told to be recorded is looked for
 * at once, at whichever address is in use by then. Resolves when the last batch is acknowledged.
 */
export async function recordEvents(parts: SenderParts): Promise<void> {
  const { source, pacer, tally, number } = parts;
  for (;;) {
    const count = source.nextCount();
    if (!(await pacer.turn(count))) return;
    const batch = source.make(count);
    tally.made(batch, number);
    await recordUntilAcked(batch, parts);
  }
}

async function recordUntilAcked(batch: Batch, { connection, tally, answerTimeoutMs }: SenderParts): Promise<void> {
  for (let tries = 0; ; tries++) {
    const link = connection.link;
    const call = tally.opened(link.address, false);
    await tally.sending(batch, call);
    try {
      const answer = fromBinary(RecordEventsResponseSchema, await link.record(batch.request, answerTimeoutMs));
      const outcomes = outcomesOf(batch.count, answer.results);
      tally.acked(batch, call, outcomes);
      if (outcomes[0] !== "R" && outcomes[0] !== "D") return;
      if ((await connection.link.finds(batch.sample.id, answerTimeoutMs)) === false) tally.missing(batch);
      return;
    } catch (error) {
      const { why, retryMs } = refusalOfCall(error as ServiceError | Error);
      tally.unknown(batch, call, why);
      // An answer of the service itself has a RetryInfo; anything else may be the connection's end.
      if (retryMs === undefined) connection.giveUp(link);
      await wait(waitBefore(tries, retryMs));
    }
  }
}

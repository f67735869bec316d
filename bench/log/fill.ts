import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { AuditEvent } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  RecordEventsRequestSchema,
  RecordEventsResponseSchema,
  RecordOutcome,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { EventSource, LongRemediation } from "../events.ts";
import { envelope, GrpcConnection } from "../grpc.ts";

/** The chain of which the length is given. */
export const LONG_CHAIN = "rr-bench-long-chain";

const EVENTS_A_CALL = 1000;

/** Records a chain of so many events, and so many of other remediations among them. */
export async function fillLog(address: string, chain: number, others: number): Promise<void> {
  const connection = await GrpcConnection.open(address);
  const sources = [
    { left: chain, source: new LongRemediation(LONG_CHAIN) },
    { left: others, source: new EventSource() },
  ];
  const lane = async ({ left, source }: (typeof sources)[number]) => {
    for (let rest = left; rest > 0; rest -= EVENTS_A_CALL) {
      await recordAll(connection, source.take(Math.min(rest, EVENTS_A_CALL)));
    }
  };
  await Promise.all(sources.map(lane));
  connection.close();
}

/** @throws Error where not all of them are RECORDED. */
export async function recordAll(connection: GrpcConnection, events: readonly AuditEvent[]): Promise<void> {
  const request = create(RecordEventsRequestSchema, { events: [...events] });
  const answer = await connection.unary("RecordEvents", envelope(toBinary(RecordEventsRequestSchema, request)));
  const { results } = fromBinary(RecordEventsResponseSchema, answer);
  const recorded = results.filter(({ outcome }) => outcome === RecordOutcome.RECORDED).length;
  if (recorded !== events.length) throw new Error(`${recorded} of ${events.length} events were recorded`);
}

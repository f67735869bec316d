import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  IntegrityService,
  VerifyChainRequestSchema,
  VerifyChainResponseSchema,
} from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { envelope, GrpcConnection } from "../grpc.ts";
import { median } from "../statistics.ts";
import { LONG_CHAIN } from "./fill.ts";
import { type Pids, using } from "./pids.ts";

/** VerifyChain of a long chain. */
export interface ChainTimes {
  readonly events: number;
  /** By the clock; of several tries the median, as those below. */
  readonly events_per_second: number;
  /** For each second of CPU of the service, and of PostgreSQL. */
  readonly events_per_service_second: number;
  readonly events_per_postgres_second: number;
}

/** Verifies the long chain some times, after once that does not count. @throws Error when it is not intact or not covered. */
export async function measureChain(address: string, pids: Pids, tries: number, events: number): Promise<ChainTimes> {
  const connection = await GrpcConnection.open(address, IntegrityService.typeName);
  const request = create(VerifyChainRequestSchema, { correlationId: LONG_CHAIN });
  const framed = envelope(toBinary(VerifyChainRequestSchema, request));
  const rates: { readonly wall: number; readonly service: number; readonly postgres: number }[] = [];
  for (let one = 0; one <= tries; one++) {
    const begun = performance.now();
    const { bytes, used } = await using(pids, async () => ({ bytes: await connection.unary("VerifyChain", framed) }));
    const seconds = (performance.now() - begun) / 1000;
    const answer = fromBinary(VerifyChainResponseSchema, bytes);
    if (!answer.intact || Number(answer.events) !== events || Number(answer.coveredEvents) !== events) {
      throw new Error(
        `the chain of ${events}: ${answer.events} events, ${answer.coveredEvents} covered, ${answer.faultCount} faults`,
      );
    }
    if (one > 0)
      rates.push({ wall: events / seconds, service: events / used.service, postgres: events / used.postgres });
  }
  connection.close();
  return {
    events,
    events_per_second: median(rates.map(({ wall }) => wall)),
    events_per_service_second: median(rates.map(({ service }) => service)),
    events_per_postgres_second: median(rates.map(({ postgres }) => postgres)),
  };
}

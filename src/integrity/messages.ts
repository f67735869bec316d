import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ChainFaultKind,
  type ChainFaultSchema,
  type EntryOpeningSchema,
  type VerifierKeySchema,
  type VerifyChainResponse,
  VerifyChainResponseSchema,
} from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { parseTimestamp } from "../audit/timestamp.ts";
import type { EntryOpening } from "./entry.ts";
import type { LogKey } from "./log/log_reader.ts";
import type { ChainFault, ChainReport } from "./verify/verify_chain.ts";

const KINDS: Readonly<Record<ChainFault["kind"], ChainFaultKind>> = {
  missing: ChainFaultKind.MISSING,
  fork: ChainFaultKind.FORK,
  previous_hash: ChainFaultKind.PREVIOUS_HASH,
  event_hash: ChainFaultKind.EVENT_HASH,
  unreadable: ChainFaultKind.UNREADABLE,
  head: ChainFaultKind.HEAD,
  log_entry: ChainFaultKind.LOG_ENTRY,
  not_in_log: ChainFaultKind.NOT_IN_LOG,
  no_salt: ChainFaultKind.NO_SALT,
};

/** What became of a verification, for its caller. */
export function toVerifyChainResponse(report: ChainReport, verificationId: string): VerifyChainResponse {
  const faults = report.faults.map(toChainFault);
  const [firstFault] = faults;
  return create(VerifyChainResponseSchema, {
    intact: report.intact,
    events: BigInt(report.events),
    headPosition: toPosition(report.headPosition),
    ...(firstFault !== undefined && { firstFault }),
    faultCount: BigInt(report.faultCount),
    faults,
    indexedEvents: BigInt(report.indexedEvents),
    coveredEvents: BigInt(report.coveredEvents),
    erasedEvents: BigInt(report.erasedEvents),
    removedEvents: BigInt(report.removedEvents),
    verificationId,
  });
}

function toChainFault({ kind, position, eventId, description }: ChainFault): MessageInitShape<typeof ChainFaultSchema> {
  return { kind: KINDS[kind], chainPosition: toPosition(position), eventId: eventId ?? "", description };
}

/** Somebody may have stored any place; the largest of a bigint is rounded up to one that int64 does not have. */
function toPosition(position: number): bigint {
  const place = BigInt(position);
  return place > LAST_POSITION ? LAST_POSITION : place;
}

const LAST_POSITION = 2n ** 63n - 1n;

/** A key for callers. */
export function toVerifierKey(key: LogKey): MessageInitShape<typeof VerifierKeySchema> {
  return {
    verifierKey: key.verifierKey,
    purpose: key.purpose,
    firstUsedTime: parseTimestamp(key.firstUsedTime),
    lastUsedTime: parseTimestamp(key.lastUsedTime),
  };
}

/** What leads from an event to its entry, for callers. */
export function toEntryOpening(opening: EntryOpening): MessageInitShape<typeof EntryOpeningSchema> {
  return {
    eventId: opening.event_id,
    eventHash: opening.event_hash,
    correlationId: opening.correlation_id,
    chainPosition: BigInt(opening.chain_position),
    logSalt: opening.log_salt,
  };
}

import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import { status as codes, type StatusObject } from "@grpc/grpc-js";
import { RetryInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { type Status, StatusSchema } from "../../gen/ts/google/rpc/status_pb.ts";
import { statusBytes } from "./connection.ts";

/** Longest wait before a next try, in milliseconds, where the service says none. */
const LONGEST_WAIT_MS = 1000;

/** Why a batch has no outcome. */
export interface Refusal {
  /** For the history: the code's name and the message. */
  readonly why: string;
  /** How long the service says to wait. */
  readonly retryMs: number | undefined;
}

/** The refusal in an answer of a stream. */
export function refusalOfStatus(status: Status): Refusal {
  const retry = status.details.map((detail) => anyUnpack(detail, RetryInfoSchema)).find((info) => info !== undefined);
  return {
    why: `${codes[status.code] ?? status.code}: ${status.message}`,
    retryMs: retry?.retryDelay && durationMs(retry.retryDelay),
  };
}

/** The refusal that ended a call, or what kept it from being made: another call has just given the link up, say. */
export function refusalOfCall(end: Pick<StatusObject, "code" | "details" | "metadata"> | Error): Refusal {
  if (!("metadata" in end)) return { why: end.message, retryMs: undefined };
  const bytes = statusBytes(end);
  const details = bytes && refusalOfStatus(fromBinary(StatusSchema, bytes));
  return { why: `${codes[end.code]}: ${end.details}`, retryMs: details?.retryMs };
}

/** How long to wait before try number `tries`, from 0, in milliseconds: what the service says and some more, by lot. */
export function waitBefore(tries: number, retryMs: number | undefined): number {
  const least = retryMs ?? Math.min(50 * 2 ** tries, LONGEST_WAIT_MS);
  return least * (1 + Math.random() / 2);
}

import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import type { Status } from "../../../gen/ts/google/rpc/status_pb.ts";

/** Codes after which the same may succeed later. */
const TRANSIENT = new Set([Code.Unavailable, Code.ResourceExhausted, Code.DeadlineExceeded, Code.Aborted]);
/** Codes that a broken connection may have; from the service itself they come with an ErrorInfo. */
const BROKEN = new Set([Code.Internal, Code.Unknown, Code.Canceled]);
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;

/** Whether sending again may help. A message over the limit stays over the limit. */
export function isTransient(error: ConnectError): boolean {
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info?.reason === "MESSAGE_TOO_LARGE") return false;
  return TRANSIENT.has(error.code) || (info === undefined && BROKEN.has(error.code));
}

/** Milliseconds to wait before sending again: what the service says, else longer with every try. `tries` counts from 0. */
export function retryDelayMs(error: ConnectError, tries: number): number {
  const [retry] = error.findDetails(RetryInfoSchema);
  if (retry?.retryDelay !== undefined) return durationMs(retry.retryDelay);
  return Math.min(FIRST_DELAY_MS * 2 ** Math.min(tries, 10), LONGEST_DELAY_MS);
}

/** The status of an answer inside a stream as the error that a call would have had; undefined when it is OK. */
export function statusError(status: Status | undefined): ConnectError | undefined {
  if (status === undefined || status.code === 0) return undefined;
  const error = new ConnectError(status.message, status.code as Code);
  error.details = status.details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  return error;
}

import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { type Status, StatusSchema } from "../../gen/ts/google/rpc/status_pb.ts";
import { Fault, type FaultKind } from "../fault.ts";
import {
  badRequest,
  boundedMessage,
  DEFAULT_RETRY_MS,
  detailsOf,
  type ErrorDetail,
  errorInfo,
  retryInfo,
} from "./error_details.ts";

const CODES: Readonly<Record<FaultKind, Code>> = {
  invalid: Code.InvalidArgument,
  not_found: Code.NotFound,
  precondition: Code.FailedPrecondition,
  out_of_range: Code.OutOfRange,
  aborted: Code.Aborted,
  exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  deadline: Code.DeadlineExceeded,
  denied: Code.PermissionDenied,
};

/**
 * A message over the limit stays over the limit: what RetryInfo says with it is the time in which an operator may have
 * raised the limit, and nothing to wait for.
 */
const TOO_LARGE_RETRY_MS = 3_600_000;

/** What every protocol says about an error: a canonical code, a message for people, google.rpc details for programs. */
interface Answer {
  readonly code: Code;
  readonly message: string;
  readonly details: readonly ErrorDetail[];
}

/**
 * Maps whatever was thrown while a call was handled to the error that its caller gets; the only place where that is decided.
 *
 * A Fault keeps its kind and gets its google.rpc details. An aborted call is DEADLINE_EXCEEDED or CANCELED, by the reason of
 * `signal`. Anything else is a defect: INTERNAL with a neutral message and an id, and under that id in the log with cause
 * and stack. Of a message and its details, no more is kept than fits into gRPC trailers everywhere (8 KiB).
 */
export function toConnectError(error: unknown, log: Logger, signal?: AbortSignal): ConnectError {
  if (isMapped(error)) return error;
  return connectError(answerTo(error, log, signal), error);
}

/** The mapping of a fault alone, for where no defect can come up. */
export function faultError(fault: Fault): ConnectError {
  return connectError(faultAnswer(fault), fault);
}

/** The same mapping for an error that is answered inside a stream, as google.rpc.Status. */
export function toStatus(error: unknown, log: Logger, signal?: AbortSignal): Status {
  const { code, message, details } = answerTo(error, log, signal);
  return create(StatusSchema, { code, message, details: details.map(({ desc, value }) => anyPack(desc, value)) });
}

/**
 * Maps an error that came up while a request was read: cut off, too large, not decodable. What @connectrpc/connect calls
 * INTERNAL there (bytes that are no protobuf, an envelope that cannot be inflated) is a bad request, and never a defect.
 */
export function toReadError(error: unknown, log: Logger, signal?: AbortSignal): ConnectError {
  if (isMapped(error) || error instanceof Fault) return toConnectError(error, log);
  if (isNodeError(error)) return connectError(aborted(error, signal), error);
  if (!(error instanceof ConnectError)) return toConnectError(error, log, signal);
  const undecodable = error.code === Code.Internal || error.code === Code.Unknown;
  return undecodable ? connectError(malformed(error.rawMessage), error) : toConnectError(error, log, signal);
}

/** Whether an error comes from a socket or stream of Node. */
function isNodeError(error: unknown): boolean {
  return (
    error instanceof Error && !(error instanceof ConnectError) && "code" in error && typeof error.code === "string"
  );
}

/** The error for a message that is longer than the service takes: RESOURCE_EXHAUSTED with reason MESSAGE_TOO_LARGE. */
export function messageTooLarge(limitBytes: number): ConnectError {
  const message = `a request message is over the limit of ${limitBytes} bytes; send less at once`;
  const details = [
    errorInfo("MESSAGE_TOO_LARGE", { max_bytes: String(limitBytes) }),
    badRequest([{ field: "", description: `at most ${limitBytes} bytes, also after decompression` }]),
    retryInfo(TOO_LARGE_RETRY_MS),
  ];
  return connectError({ code: Code.ResourceExhausted, message, details });
}

/** Gives an error that is already on its way the content of another, so that whoever holds it sends the other one. */
export function become(error: ConnectError, other: ConnectError): void {
  const { code, rawMessage, message, details, cause } = other;
  Object.assign(error, { code, rawMessage, message, details, cause });
  mapped.add(error);
}

/** Canonical name of a code as gRPC writes it: `RESOURCE_EXHAUSTED`. */
export function codeName(code: Code | undefined): string {
  if (code === undefined) return "OK";
  if (code === Code.Canceled) return "CANCELLED";
  return Code[code].replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

function answerTo(error: unknown, log: Logger, signal: AbortSignal | undefined): Answer {
  if (error instanceof Fault) return faultAnswer(error);
  if (isAbort(error)) return aborted(error, signal);
  if (error instanceof ConnectError && !isDefect(error)) return fromFramework(error);
  return defect(error, log);
}

/** An answer over the limit is no fault of the caller's, though the framework calls it RESOURCE_EXHAUSTED. */
function isDefect({ code, rawMessage }: ConnectError): boolean {
  if (code === Code.ResourceExhausted) return rawMessage.includes("configured writeMaxBytes");
  return code === Code.Internal || code === Code.Unknown;
}

function faultAnswer(fault: Fault): Answer {
  return { code: CODES[fault.kind], message: boundedMessage(fault.message), details: detailsOf(fault) };
}

function aborted(error: unknown, signal: AbortSignal | undefined): Answer {
  const reasons = [error, signal?.aborted ? signal.reason : undefined];
  const withCode = reasons.find((reason) => reason instanceof ConnectError && reason.code !== Code.Canceled);
  if (withCode instanceof ConnectError) return fromFramework(withCode);
  return { code: Code.Canceled, message: "the call was canceled", details: [errorInfo("CANCELED")] };
}

function isAbort(error: unknown): boolean {
  if (error instanceof ConnectError) return error.code === Code.Canceled;
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}

/** Errors with a code of their own, from the framework or a handler; those without details get what their code calls for. */
function fromFramework(error: ConnectError): Answer {
  const own = error.details.filter((detail): detail is ErrorDetail => "desc" in detail);
  const has = (typeName: string) => own.some(({ desc }) => desc.typeName === typeName);
  if (own.length === 0) {
    if (error.code === Code.InvalidArgument) return malformed(error.rawMessage);
    const limit = /readMaxBytes (\d+)/.exec(error.rawMessage)?.[1];
    if (error.code === Code.ResourceExhausted && limit !== undefined) return answerOf(messageTooLarge(Number(limit)));
  }
  const details = [...own];
  const message = error.code === Code.DeadlineExceeded ? DEADLINE_MESSAGE : boundedMessage(error.rawMessage);
  if (!has(ErrorInfoSchema.typeName)) details.push(errorInfo(codeName(error.code)));
  const retryable = error.code === Code.Unavailable || error.code === Code.ResourceExhausted;
  if (retryable && !has(RetryInfoSchema.typeName)) details.push(retryInfo(DEFAULT_RETRY_MS));
  return { code: error.code, message, details };
}

const DEADLINE_MESSAGE = "the deadline passed; what became of the request is unknown, and sending it again is safe";

function malformed(reason: string): Answer {
  const message = boundedMessage(`the request cannot be read: ${reason}`);
  const details = [errorInfo("MALFORMED_REQUEST"), badRequest([{ field: "", description: reason }])];
  return { code: Code.InvalidArgument, message, details };
}

function defect(error: unknown, log: Logger): Answer {
  const id = randomUUID();
  log.error({ err: error, error_id: id }, "a defect ended a call");
  const message = `internal error; the service's log tells more under error_id ${id}`;
  return { code: Code.Internal, message, details: [errorInfo("INTERNAL", { error_id: id })] };
}

const mapped = new WeakSet<object>();

/** Whether an error came out of this mapping, and is to go out as it is. */
export function isMapped(error: unknown): error is ConnectError {
  return error instanceof ConnectError && mapped.has(error);
}

function connectError({ code, message, details }: Answer, cause?: unknown): ConnectError {
  const error = new ConnectError(message, code, undefined, [...details], cause);
  mapped.add(error);
  return error;
}

function answerOf(error: ConnectError): Answer {
  const details = error.details.filter((detail): detail is ErrorDetail => "desc" in detail);
  return { code: error.code, message: error.rawMessage, details };
}
